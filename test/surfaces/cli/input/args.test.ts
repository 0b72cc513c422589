import { readFile } from "node:fs/promises";
import { parseArgs } from "citty";
import { describe, expect, it } from "vitest";
import { DEFAULT_NETWORK_FILE, networkArgs, recordArgs, signerArgs } from "../../../../src/surfaces/cli/input/args.js";

describe("the options of every command", () => {
  it("lead to the network that npm start runs, unless another is named", async () => {
    expect(parseArgs([], networkArgs)).toMatchObject({ network: DEFAULT_NETWORK_FILE, json: false });
    expect(parseArgs([], networkArgs).rpc).toBeUndefined();
    const named = ["--network", "other.json", "--rpc", "http://127.0.0.1:1", "--json"];
    expect(parseArgs(named, networkArgs)).toMatchObject({
      network: "other.json",
      rpc: "http://127.0.0.1:1",
      json: true,
    });
  });

  it("name the file that npm start writes", async () => {
    const script = await readFile(new URL("../../../../scripts/start.ts", import.meta.url), "utf8");
    const [folder = "", file = ""] = DEFAULT_NETWORK_FILE.split("/");
    expect(script).toContain(`join(HOME, "${file}")`);
    expect(script).toContain(`const HOME = join(process.cwd(), "${folder}");`);
  });

  it("use no key that was not named", () => {
    const parsed = parseArgs([], signerArgs);
    expect([parsed.key, parsed["password-file"]]).toEqual([undefined, undefined]);
  });

  it("need a record where a command reads one, and take its author", () => {
    expect(() => parseArgs([], recordArgs)).toThrow(/cid/i);
    expect(parseArgs(["bafy", "--author", "0x11"], recordArgs)).toMatchObject({ cid: "bafy", author: "0x11" });
  });

  it("do not hide each other in a command that has several groups", () => {
    const names = [networkArgs, signerArgs].flatMap((group) => Object.keys(group));
    expect(new Set(names).size).toBe(names.length);
    expect(Object.keys(recordArgs)).toEqual(expect.arrayContaining(Object.keys(networkArgs)));
  });

  it("are each described", () => {
    const all = Object.values({ ...recordArgs, ...signerArgs });
    expect(all.filter(({ description }) => description.length === 0)).toEqual([]);
  });
});
