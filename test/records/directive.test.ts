import { AbiCoder, keccak256, toUtf8Bytes } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ContentId,
  type Directive,
  DirectiveKinds,
  directiveId,
  MAX_EVIDENCE,
  sortEvidence,
  subjectHash,
  trackOfKind,
} from "../../src/records/index.js";
import { contentId, idOf } from "./samples.js";

const TYPE =
  "tuple(uint8 kind, bytes32 subject, bytes32 payload, uint32 delay, uint32 window, bytes32 salt, bytes32[] evidence)";
const nonZero = contentId.filter((id) => BigInt(id) !== 0n);
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const anyDirective: fc.Arbitrary<Directive> = fc.record({
  kind: fc.constantFrom(...DirectiveKinds),
  subject: contentId,
  payload: contentId,
  delay: uint32,
  window: uint32,
  salt: contentId,
  evidence: fc.uniqueArray(nonZero, { maxLength: MAX_EVIDENCE }).map(sortEvidence),
});
const directive: Directive = {
  kind: "Restart",
  subject: subjectHash("replica/web/3"),
  payload: idOf("payload"),
  delay: 0,
  window: 600,
  salt: idOf("salt"),
  evidence: sortEvidence([idOf("a"), idOf("b")]),
};

describe("a directive", () => {
  it("has the id that the registry on chain gives it", () => {
    fc.assert(
      fc.property(anyDirective, (each) => {
        const value = { ...each, kind: DirectiveKinds.indexOf(each.kind), evidence: [...each.evidence] };
        expect(directiveId(each)).toBe(keccak256(AbiCoder.defaultAbiCoder().encode([TYPE], [value])));
      }),
    );
  });

  it("has another id when anything in it is another", () => {
    const id = directiveId(directive);
    for (const change of [
      { kind: "Rollback" },
      { subject: subjectHash("replica/web/4") },
      { payload: idOf("other") },
      { delay: 1 },
      { window: 601 },
      { salt: idOf("pepper") },
      { evidence: [] },
    ]) {
      expect(directiveId({ ...directive, ...change } as Directive)).not.toBe(id);
    }
  });

  it.each([
    ["a kind that is none", { kind: "Explode" }],
    ["a short subject", { subject: "0x12" }],
    ["a delay over 32 bits", { delay: 2 ** 32 }],
    ["a negative window", { window: -1 }],
    ["half a second", { delay: 0.5 }],
    ["evidence out of order", { evidence: [...directive.evidence].reverse() }],
    ["the same evidence twice", { evidence: [idOf("a"), idOf("a")] }],
    ["zero as evidence", { evidence: [`0x${"00".repeat(32)}`] }],
    ["too much evidence", { evidence: Array.from({ length: 17 }, (_, index) => idOf(`${index}`)) }],
  ])("with %s has no id", (_what, change) => {
    expect(() => directiveId({ ...directive, ...change } as Directive)).toThrow(
      expect.objectContaining({ code: "invalid-input" }),
    );
  });

  it("sorts evidence as the chain compares it, whatever came first", () => {
    fc.assert(
      fc.property(fc.uniqueArray(nonZero, { maxLength: MAX_EVIDENCE }), (evidence) => {
        const sorted = sortEvidence(evidence);
        expect(new Set(sorted)).toEqual(new Set(evidence));
        for (let i = 1; i < sorted.length; i++)
          expect(BigInt(sorted[i] as ContentId) > BigInt(sorted[i - 1] as ContentId)).toBe(true);
        expect(sortEvidence([...evidence].reverse())).toEqual(sorted);
      }),
    );
  });

  it("is decided under the track of its kind", () => {
    expect(Object.fromEntries(DirectiveKinds.map((kind) => [kind, trackOfKind(kind)]))).toEqual({
      Rollback: "emergency",
      Restart: "emergency",
      Deploy: "operations",
      Scale: "operations",
      StartRound: "operations",
      AcceptModel: "operations",
      SetFlag: "operations",
      Experiment: "operations",
      Admit: "membership",
      Ban: "membership",
      RotateKey: "membership",
      SetParameter: "constitution",
      SetTrack: "constitution",
    });
  });

  it("names its subject by the hash of its text", () => {
    for (const text of ["", "replica/web/3", "Grüße 🜂"]) expect(subjectHash(text)).toBe(keccak256(toUtf8Bytes(text)));
  });
});
