import { describe, expect, it } from "vitest";
import { hearing } from "../../../src/agent/presence/hearing.js";
import type { Gossip, SubscribeOptions, ValidationResult } from "../../../src/ports/gossip/index.js";

/** Gossip of which a test brings the messages. */
function heardBy(validate?: () => ValidationResult) {
  const heard: string[] = [];
  let given: SubscribeOptions["validate"];
  const gossip: Gossip = {
    publish: async () => 0,
    subscribe: (_topic, _handler, options = {}) => {
      given = options.validate;
      return () => undefined;
    },
  };
  hearing(gossip, (peer) => heard.push(peer)).subscribe(
    "t",
    () => undefined,
    validate === undefined ? {} : { validate },
  );
  return { heard, bring: async (from: string, relay: string) => given?.(new Uint8Array(), from, relay) };
}

describe("who is heard over gossip", () => {
  it("is a peer that hands over a message of its own", async () => {
    const { bring, heard } = heardBy();
    expect(await bring("a", "a")).toBe("accept");
    expect(heard).toEqual(["a"]);
  });

  it("is nobody whose message a third peer hands over: it may be an old one that is sent again", async () => {
    const { bring, heard } = heardBy();
    expect(await bring("a", "b")).toBe("accept");
    expect(heard).toEqual([]);
  });

  it.each(["ignore", "reject"] as const)("is nobody whose message is worth nothing: %s", async (result) => {
    const { bring, heard } = heardBy(() => result);
    expect(await bring("a", "a")).toBe(result);
    expect(heard).toEqual([]);
  });
});
