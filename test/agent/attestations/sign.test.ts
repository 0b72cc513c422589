import { expect, it } from "vitest";
import { digestOf, signAttestation } from "../../../src/agent/attestations/sign.js";
import type { Statement } from "../../../src/agent/attestations/statement.js";
import { InvalidInputError } from "../../../src/errors.js";
import type { ReportContext } from "../../../src/ports/chain/index.js";
import { loadBls } from "../../../src/ports/keys/index.js";

const bls = await loadBls();
const blsSecret = new Uint8Array(32).fill(1);
const context: ReportContext = { chainId: 31_337, directives: `0x${"60".repeat(20)}` };
const done: Statement = { directiveId: `0x${"11".repeat(32)}`, report: "done", outcome: `0x${"22".repeat(32)}` };
const ready: Statement = { ...done, report: "ready", outcome: null };
const sign = (statement: Statement) => signAttestation({ bls, context, blsSecret, index: 3, statement });

it.each([ready, done])("is what the node says, signed by its key: $report", (statement) => {
  const attestation = sign(statement);
  const { index, signature, ...said } = attestation;
  expect([said, index, signature.length]).toEqual([statement, 3, 96]);
  const claim = { keys: [bls.publicKey(blsSecret)], digest: digestOf(context, statement) };
  expect(bls.verify([claim], signature)).toBe(true);
});

it.each<[string, Statement, ReportContext]>([
  ["another directive", { ...done, directiveId: `0x${"12".repeat(32)}` }, context],
  ["another report", { ...done, report: "failed" }, context],
  ["another outcome", { ...done, outcome: `0x${"23".repeat(32)}` }, context],
  ["another part", ready, context],
  ["another chain", done, { ...context, chainId: 1 }],
  ["another registry", done, { ...context, directives: `0x${"61".repeat(20)}` }],
])("is no signature for %s", (_, statement, where) => {
  const claim = { keys: [bls.publicKey(blsSecret)], digest: digestOf(where, statement) };
  expect(bls.verify([claim], sign(done).signature)).toBe(false);
});

it("takes of a statement what is said, and of an attestation that others have relayed no more", () => {
  const relayed = { ...done, index: 9, signature: new Uint8Array(96) };
  expect(sign(relayed)).toEqual(sign(done));
});

it.each<[string, Statement]>([
  ["an end without an outcome", { ...done, outcome: null }],
  ["an outcome of a node that is ready", { ...ready, outcome: done.outcome }],
])("does not sign %s: the registry would refuse it", (_, statement) => {
  expect(() => sign(statement)).toThrow(InvalidInputError);
});
