import { InvalidInputError } from "../../errors.js";
import { type DecodedCall, type Deployment, decodeCall, encodeName, hashDescription } from "../../ports/chain/index.js";
import { type DirectivePayload, encodePayload, type Order, subjectHash } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { describeProposal } from "../proposals/description.js";
import { directiveOfCall, isIssue } from "../proposals/directiveCall.js";
import { effectOf, effectTargets } from "../proposals/effect.js";
import type { Proposal } from "../proposals/proposal.js";

/** A defect of a proposal: a stable code, and a sentence for the ballot's reason. */
export interface Disagreement {
  readonly code:
    | "unknown-call"
    | "value-attached"
    | "not-one-directive"
    | "payload-mismatch"
    | "kind-mismatch"
    | "subject-mismatch"
    | "effect-missing"
    | "effect-unexpected"
    | "effect-mismatch"
    | "description-mismatch";
  readonly message: string;
}

/**
 * Compares the parts of a proposal with one another: its calls, its directive, its payload and its description. An honest
 * proposal has no disagreement; any disagreement is a reason to vote against. Pure.
 *
 * @example
 * const disagreements = checkProposal(client, { proposal, payload });
 */
export function checkProposal(
  { chain }: { readonly chain: Pick<ClientContext["chain"], "addresses"> },
  {
    proposal,
    payload,
  }: { readonly proposal: Pick<Proposal, "calls" | "descriptionHash">; readonly payload: DirectivePayload },
): Disagreement[] {
  const found: Disagreement[] = [];
  const note = (code: Disagreement["code"], message: string) => found.push({ code, message });
  const { calls, descriptionHash } = proposal;

  const decoded = calls.map((call) => decodeCall(chain.addresses, call));
  calls.forEach(({ target, value }, i) => {
    if (value !== "0") note("value-attached", `Call ${i} sends ${value} wei.`);
    if (decoded[i]?.contract === null) note("unknown-call", `Call ${i} to ${target} is none that a directive makes.`);
  });

  const issues = decoded.filter(isIssue);
  const [issue] = issues;
  const directive = issue === undefined ? undefined : directiveOfCall(issue);
  if (directive === undefined || issues.length !== 1) {
    note("not-one-directive", `The proposal issues ${issues.length} directives that we know, not one.`);
    return found;
  }

  const { order, subject } = payload;
  const block = encodePayload(payload);
  if (directive.payload !== block.contentId) {
    note("payload-mismatch", `The directive cites payload ${directive.payload}, not ${block.contentId}.`);
  }
  if (directive.kind !== order.kind) {
    note("kind-mismatch", `The directive is a ${directive.kind}, its payload a ${order.kind}.`);
  }
  if (directive.subject !== subjectHash(subject)) {
    note("subject-mismatch", `The directive is not about ${subject}, of which its payload speaks.`);
  }
  const effects = decoded.flatMap((call, i) => (isIssue(call) ? [] : [{ call, data: calls[i]?.data }]));
  const expected = effectTargets[order.kind];
  if (expected === undefined && effects.length > 0) {
    note(
      "effect-unexpected",
      `A ${order.kind} takes effect off the chain, but the proposal makes ${effects.length} more calls.`,
    );
  }
  if (expected !== undefined) {
    const [effect, ...more] = effects;
    if (effect === undefined) note("effect-missing", `The proposal does not make the ${order.kind} take effect.`);
    else if (!agrees(chain.addresses, order, effect.call, effect.data)) {
      note("effect-mismatch", `What the proposal would do on chain is not what its payload orders.`);
    }
    if (more.length > 0) note("effect-unexpected", `The proposal makes ${more.length} calls beyond its order.`);
  }
  if (descriptionHash !== hashDescription(describeProposal(payload, directive.payload, directive.evidence))) {
    note("description-mismatch", "The description does not say what the proposal does.");
  }
  return found;
}

/** Whether a call is the effect of an order. Keys and signatures are left out of the comparison, since no order has them. */
function agrees(
  addresses: Deployment["contracts"],
  order: Order,
  call: DecodedCall,
  data: string | undefined,
): boolean {
  const expected = effectTargets[order.kind];
  if (call.contract !== expected?.contract || call.name !== expected.name) return false;
  if (order.kind === "Admit") {
    const { admissions } = call.args as { admissions: readonly { operator: string }[] };
    return admissions.map(({ operator }) => operator).join() === order.operators.join();
  }
  if (order.kind === "ChangeOperator") return call.args.from === order.from && call.args.to === order.to;
  // An order whose name does not fit on chain has no effect.
  if ("name" in order && !fitsOnChain(order.name)) return false;
  return effectOf(addresses, order)?.data === data;
}

function fitsOnChain(name: string): boolean {
  try {
    return encodeName(name).length > 0;
  } catch (error) {
    if (error instanceof InvalidInputError) return false;
    throw error;
  }
}
