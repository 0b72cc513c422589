import { Wallet } from "ethers";
import { expect, it } from "vitest";
import { requireAccount, requireSigner } from "../../../src/client/transactions/requireAccount.js";
import { contextOf } from "../../harness/fakeClient.js";
import { NODE } from "../../records/samples.js";

it("gives the account and the key of a client that can write", () => {
  const signer = new Wallet(`0x${"01".repeat(32)}`);
  expect(requireAccount({ account: NODE })).toBe(NODE);
  expect(requireSigner(contextOf({ chain: { signer } }))).toBe(signer);
});

it("refuses a client that was opened for reading", () => {
  const refusal = expect.objectContaining({ code: "read-only", retryable: false });
  expect(() => requireAccount({ account: undefined })).toThrow(refusal);
  expect(() => requireSigner(contextOf())).toThrow(refusal);
});
