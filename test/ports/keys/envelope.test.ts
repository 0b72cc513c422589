import { describe, expect, it } from "vitest";
import { EnvelopeError, openEnvelope, sealEnvelope } from "../../../src/ports/keys/envelope.js";
import { operatorKey } from "../../harness/deploy.js";

const context = { chainId: 31_337, governor: `0x${"Ab".repeat(20)}`, topic: "witan/rounds" } as const;
const wallet = operatorKey("envelope");
const bytesOf = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const parse = (bytes: Uint8Array): { body: string; signature: string } => JSON.parse(new TextDecoder().decode(bytes));

describe("a signed envelope", () => {
  it("opens with its author and its body, however the governor's address is written", async () => {
    for (const body of ["", "hello", 'a "quoted"\nline', "þæt witenagemōt"]) {
      const sealed = await sealEnvelope(wallet, context, body);
      expect(openEnvelope(context, sealed)).toEqual({ author: wallet.address, body });
      const lower = { ...context, governor: `0x${"ab".repeat(20)}` } as const;
      expect(openEnvelope(lower, sealed).author).toBe(wallet.address);
    }
  });

  it.each([
    ["on another chain", { ...context, chainId: 1 }],
    ["under another governor", { ...context, governor: `0x${"cd".repeat(20)}` as const }],
    ["on another topic", { ...context, topic: "payload" }],
  ])("is not its author's %s", async (_where, elsewhere) => {
    const sealed = await sealEnvelope(wallet, context, "hello");
    expect(openEnvelope(elsewhere, sealed).author).not.toBe(wallet.address);
  });

  it("is not its author's with another body", async () => {
    const { signature } = parse(await sealEnvelope(wallet, context, "hello"));
    expect(openEnvelope(context, bytesOf({ body: "hell0", signature })).author).not.toBe(wallet.address);
  });

  it.each([
    ["nothing", new Uint8Array()],
    ["no text", new Uint8Array([0xff, 0xfe])],
    ["no JSON", bytesOf("hello")],
    ["no object", bytesOf([])],
    ["no signature", bytesOf({ body: "hello" })],
    ["a signature of another length", bytesOf({ body: "hello", signature: "0x12" })],
    ["a signature of nobody", bytesOf({ body: "hello", signature: `0x${"00".repeat(65)}` })],
    ["a signature that is no point", bytesOf({ body: "hello", signature: `0x${"ff".repeat(64)}1b` })],
    ["a further field", bytesOf({ body: "hello", signature: `0x${"11".repeat(65)}`, more: 1 })],
    ["a body that is too long", bytesOf({ body: "x".repeat(65_537), signature: `0x${"11".repeat(65)}` })],
  ])("is refused with one error where it holds %s", (_what, bytes) => {
    expect(() => openEnvelope(context, bytes)).toThrow(EnvelopeError);
    expect(() => openEnvelope(context, bytes)).toThrow(/^The message is not a signed envelope: \w+\.$/);
  });
});
