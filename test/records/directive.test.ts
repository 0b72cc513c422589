import { readFile } from "node:fs/promises";
import { AbiCoder, keccak256, toUtf8Bytes } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ContentId,
  type Directive,
  DirectiveKinds,
  directiveId,
  directiveSalt,
  hasBase,
  MAX_EVIDENCE,
  parseSalt,
  sortEvidence,
  subjectHash,
  trackOfKind,
  WINDOW_SECONDS,
} from "../../src/records/index.js";
import { contentId, idOf } from "./samples.js";

const TYPE =
  "tuple(uint8 kind, bytes32 subject, bytes32 payload, uint32 delay, uint32 window, bytes32 salt, bytes32 base, bytes32[] evidence)";
const nonZero = contentId.filter((id) => BigInt(id) !== 0n);
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const anyDirective: fc.Arbitrary<Directive> = fc.record({
  kind: fc.constantFrom(...DirectiveKinds),
  subject: contentId,
  payload: contentId,
  delay: uint32,
  window: uint32,
  salt: contentId,
  base: contentId,
  evidence: fc.uniqueArray(nonZero, { maxLength: MAX_EVIDENCE }).map(sortEvidence),
});
const directive: Directive = {
  kind: "Restart",
  subject: subjectHash("replica/web/3"),
  payload: idOf("payload"),
  delay: 0,
  window: 600,
  salt: idOf("salt"),
  base: idOf("base"),
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
      { base: idOf("another base") },
      { evidence: [] },
    ]) {
      expect(directiveId({ ...directive, ...change } as Directive)).not.toBe(id);
    }
  });

  it.each([
    ["a kind that is none", { kind: "Explode" }],
    ["a short subject", { subject: "0x12" }],
    ["a short base", { base: "0x12" }],
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
      Suspend: "emergency",
      RevokePublisher: "emergency",
      AdmitPublisher: "membership",
      Restart: "emergency",
      Deploy: "operations",
      Scale: "operations",
      StartRound: "operations",
      AcceptModel: "operations",
      SetFlag: "operations",
      Experiment: "operations",
      Admit: "membership",
      Ban: "membership",
      ChangeOperator: "membership",
      SetParameter: "constitution",
      SetTrack: "constitution",
    });
  });

  it("names its subject by the hash of its text", () => {
    for (const text of ["", "replica/web/3", "Grüße 🜂"]) expect(subjectHash(text)).toBe(keccak256(toUtf8Bytes(text)));
  });
});

describe("the salt of an order", () => {
  const uint64 = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

  it("says the window of its opening and which attempt it is, both as they were given", () => {
    fc.assert(
      fc.property(uint64, uint32, (window, attempt) => {
        expect(parseSalt(directiveSalt(window, attempt))).toEqual({ window: BigInt(window), attempt });
      }),
    );
  });

  it("is what the contracts make of both: the window above 32 bits of the attempt", () => {
    fc.assert(
      fc.property(uint64, uint32, (window, attempt) => {
        const word = AbiCoder.defaultAbiCoder().encode(["uint256"], [(BigInt(window) << 32n) | BigInt(attempt)]);
        expect(directiveSalt(window, attempt)).toBe(word);
      }),
    );
  });

  it("can be read whatever a stranger put there, and names a window that cannot be missed", () => {
    const { window, attempt } = parseSalt(`0x${"ff".repeat(32)}`);
    expect([window, attempt]).toEqual([2n ** 224n - 1n, 2 ** 32 - 1]);
  });

  it("is zero for the first attempt without a window", () => {
    expect(directiveSalt(0, 0)).toBe(`0x${"00".repeat(32)}`);
  });
});

describe("the contracts and the records agree", () => {
  const source = readFile(new URL("../../contracts/types/Directive.sol", import.meta.url), "utf8");

  it("on the seconds of a window", async () => {
    expect(await source).toContain(`uint256 internal constant WINDOW = ${WINDOW_SECONDS};`);
  });

  it("on the kinds that name the last order on their subject", async () => {
    const [, body = ""] = /function hasBase\([^)]*\)[^{]*\{([^}]*)\}/.exec(await source) ?? [];
    const named = [...body.matchAll(/DirectiveKind\.(\w+)/g)].map(([, kind]) => kind);
    expect(DirectiveKinds.filter(hasBase).sort()).toEqual(named.sort());
    expect(named).toHaveLength(5);
  });
});
