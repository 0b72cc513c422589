import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { composeProposal, type ProposalParameters } from "../../../src/client/proposals/composeProposal.js";
import { directiveOfCall } from "../../../src/client/proposals/directiveCall.js";
import { decodeCall, NO_CONTENT } from "../../../src/ports/chain/index.js";
import { decodePayload, directiveId, type Order, subjectHash } from "../../../src/records/index.js";
import { addresses } from "../../harness/fakeClient.js";
import { idOf } from "../../records/samples.js";

const order: Order = { kind: "Restart", replica: "web/3", instance: "5072@907997" };
const evidence = ["a", "b", "c"].map(idOf);
const compose = (change: Partial<ProposalParameters> = {}) =>
  composeProposal(addresses, { order, evidence, ...change });

describe("a proposal", () => {
  it("has the defaults that every node has", () => {
    const { directive, payload } = compose();
    expect(directive).toMatchObject({ kind: "Restart", delay: 0, window: 600, salt: NO_CONTENT, base: NO_CONTENT });
    expect(payload.subject).toBe("replica/web/3");
    expect(directive.subject).toBe(subjectHash("replica/web/3"));
  });

  it("is one for all that see the same, in whatever order they cite it", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(evidence, { minLength: 3 }), (cited) => {
        expect(compose({ evidence: cited })).toEqual(compose());
      }),
    );
  });

  it("is another as soon as anything of it is", () => {
    const changes: Partial<ProposalParameters>[] = [
      { order: { ...order, instance: "5073@907997" } },
      { subject: "workload/web" },
      { evidence: evidence.slice(1) },
      { delay: 1 },
      { window: 601 },
      { base: idOf("base") },
      { attempt: 1 },
      { openingWindow: 1 },
    ];
    const ids = [{}, ...changes].map((change) => compose(change).proposalId);
    expect(new Set(ids).size).toBe(changes.length + 1);
  });

  it("issues its own directive, last, and stores the payload that this cites", () => {
    const {
      block,
      calls,
      directive,
      directiveId: id,
      payload,
    } = compose({ order: { kind: "SetFlag", name: "f", value: true } });
    expect(calls.map(({ target }) => target)).toEqual([addresses.ParameterRegistry, addresses.DirectiveRegistry]);
    expect(directiveOfCall(decodeCall(addresses, calls[1] as (typeof calls)[number]))).toEqual(directive);
    expect([directive.payload, id]).toEqual([block.contentId, directiveId(directive)]);
    expect(decodePayload(block.bytes)).toEqual(payload);
  });
});

describe("what is refused", () => {
  it.each([-1, 0.5, 0x1_0000_0000, Number.NaN])("is a delay or a window of %d seconds", (seconds) => {
    const refusal = expect.objectContaining({ code: "invalid-input" });
    expect(() => compose({ delay: seconds })).toThrow(refusal);
    expect(() => compose({ window: seconds })).toThrow(refusal);
  });

  it.each([-1, 0.5, 0x1_0000_0000, Number.NaN])("is %d as the number of an attempt", (attempt) => {
    expect(() => compose({ attempt })).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });

  it.each([-1, 0.5, 2 ** 64, Number.NaN])("is %d as the window of an opening", (openingWindow) => {
    expect(() => compose({ openingWindow })).toThrow(expect.objectContaining({ code: "invalid-input" }));
  });

  it("is evidence beyond sixteen records, and a record that is cited twice", () => {
    const refusal = expect.objectContaining({ code: "invalid-input" });
    const many = Array.from({ length: 17 }, (_, i) => idOf(`record ${i}`));
    expect(() => compose({ evidence: many })).toThrow(refusal);
    expect(compose({ evidence: many.slice(1) }).directive.evidence).toHaveLength(16);
    expect(() => compose({ evidence: [idOf("a"), idOf("a")] })).toThrow(refusal);
  });

  it("is an order that breaks its schema", () => {
    const broken = { ...order, replica: "" } as Order;
    expect(() => compose({ order: broken })).toThrow(expect.objectContaining({ code: "invalid-record" }));
  });
});
