import { afterEach, describe, expect, it, vi } from "vitest";
import { createBlsKey, loadBls } from "../../../../src/ports/keys/index.js";
import { ballotOf, forDigest } from "./ballots.js";

describe("loadBls", () => {
  afterEach(() => {
    vi.doUnmock("@chainsafe/blst");
    vi.resetModules();
  });

  it("gives blst if it is installed", async () => {
    expect((await loadBls()).name).toBe("blst");
  });

  it("gives noble if blst does not load", async () => {
    vi.resetModules();
    vi.doMock("@chainsafe/blst", () => {
      throw new Error("Cannot find module '@chainsafe/blst-plan9-riscv64'");
    });
    const again = await import("../../../../src/ports/keys/bls/index.js");
    const bls = await again.loadBls();
    expect(bls.name).toBe("noble");
    const { key, signature } = ballotOf(createBlsKey(), "for");
    expect(bls.verify([{ keys: [key], digest: forDigest }], signature)).toBe(true);
  });
});
