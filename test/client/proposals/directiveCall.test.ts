import { describe, expect, it } from "vitest";
import { directiveOfArgs, directiveOfCall, isIssue, issueCall } from "../../../src/client/proposals/directiveCall.js";
import { decodeCall, encodeCall, encodeName, NO_CONTENT } from "../../../src/ports/chain/index.js";
import { type Directive, DirectiveKinds } from "../../../src/records/index.js";
import { addresses } from "../../harness/fakeClient.js";
import { idOf } from "../../records/samples.js";

const directiveOf = (kind: Directive["kind"]): Directive => ({
  ...{ kind, subject: idOf("subject"), payload: idOf("payload"), delay: 5, window: 0xffff_ffff },
  ...{ salt: NO_CONTENT, base: idOf("base"), evidence: [idOf("a"), idOf("b")] },
});

describe("the call that issues a directive", () => {
  it.each(DirectiveKinds)("carries it whole: %s", (kind) => {
    const call = issueCall(addresses, directiveOf(kind));
    const decoded = decodeCall(addresses, call);
    expect([call.target, call.value, isIssue(decoded)]).toEqual([addresses.DirectiveRegistry, "0", true]);
    expect(directiveOfCall(decoded)).toEqual(directiveOf(kind));
  });

  it("is told from calls that do anything else", () => {
    const other = encodeCall(addresses, "ParameterRegistry", "setFlag", [encodeName("flag"), true]);
    const elsewhere = { ...issueCall(addresses, directiveOf("Restart")), target: addresses.ParameterRegistry };
    expect([other, elsewhere].map((call) => isIssue(decodeCall(addresses, call)))).toEqual([false, false]);
  });
});

it("knows no directive of a kind that it does not know", () => {
  const { kind: _left, delay, window, ...rest } = directiveOf("Restart");
  const args = { ...rest, delay: BigInt(delay), window: BigInt(window), kind: BigInt(DirectiveKinds.length) };
  expect(directiveOfArgs(args)).toBeUndefined();
});
