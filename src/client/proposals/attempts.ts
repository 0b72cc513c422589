import { hashProposal, NO_CONTENT } from "../../ports/chain/index.js";
import {
  type Directive,
  directiveSalt,
  hasBase,
  parseSalt,
  subjectHash,
  type Track,
  Tracks,
  trackOfKind,
  WINDOW_SECONDS,
} from "../../records/index.js";
import type { ClientContext } from "../client.js";
import { AttemptsExhaustedError } from "../errors.js";
import { type BuiltProposal, composeProposal, type ProposalParameters } from "./composeProposal.js";
import { subjectOf } from "./description.js";
import { issueCall } from "./directiveCall.js";
import type { Proposal, ProposalState } from "./proposal.js";
import { directiveOf } from "./readProposal.js";
import { stateOf } from "./stateOf.js";

/** More proposals of one order, on one base, than anybody needs: a bound on what is asked of the chain. */
const MAX_ATTEMPTS = 10_000;
const MayStillPass: readonly ProposalState[] = ["Pending", "Active", "Succeeded", "Queued"];

/**
 * The proposal of an order that nodes open or join now: on the last directive of its subject, in the window of this moment,
 * with the lowest attempt that does not exist or may still pass. So the same order can be given again, all who see the same
 * open one proposal, and nobody can spend an order by opening it early.
 */
export async function nextProposal(client: ClientContext, parameters: ProposalParameters): Promise<BuiltProposal> {
  const { addresses } = client.chain;
  const { order } = parameters;
  const [base, openingWindow] = await Promise.all([
    parameters.base ?? lastIssued(client, order.kind, subjectHash(parameters.subject ?? subjectOf(order))),
    parameters.openingWindow ?? windowNow(client, trackOfKind(order.kind)),
  ]);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const built = composeProposal(addresses, { ...parameters, base, openingWindow, attempt });
    const state = await stateOf(client, built.proposalId);
    if (state === undefined || MayStillPass.includes(state)) return built;
  }
  throw new AttemptsExhaustedError(order.kind);
}

/** The window in which a proposal of the track is opened now; 0 if its ballots are signed after its opening alone. */
export async function windowNow({ chain }: ClientContext, track: Track): Promise<number> {
  const [rules, now] = await Promise.all([
    chain.read(() => chain.contracts.governor.trackRules(Tracks.indexOf(track))),
    chain.now(),
  ]);
  return rules.votingDelay === 0n ? Math.floor(now / WINDOW_SECONDS) : 0;
}

/** Why nodes that see the same would not open this proposal: its base is no longer the last order, or an earlier attempt lives. */
export async function deviationsOf(
  client: ClientContext,
  { calls, descriptionHash, directive }: Pick<Proposal, "calls" | "descriptionHash" | "directive">,
): Promise<string[]> {
  if (directive === null) return [];
  const { addresses } = client.chain;
  const found: string[] = [];
  const base = await lastIssued(client, directive.kind, directive.subject);
  if (directive.base !== base) found.push(`another order on its subject was issued: ${base}`);
  const { attempt, window } = parseSalt(directive.salt);
  if (window !== 0n) {
    const current = await windowNow(client, trackOfKind(directive.kind));
    if (current === 0 || window > BigInt(current) + 1n) return [...found, `it names window ${window} in its salt`];
  }
  if (attempt > MAX_ATTEMPTS) return [...found, `attempt ${attempt} is too high`];
  for (let earlier = 0; earlier < attempt; earlier++) {
    const salt = directiveSalt(Number(window), earlier);
    const asEarlier = calls.map((call) =>
      directiveOf(addresses, [call]) === null ? call : issueCall(addresses, { ...directive, salt }),
    );
    const state = await stateOf(client, hashProposal(asEarlier, descriptionHash));
    if (state !== undefined && !MayStillPass.includes(state)) continue;
    found.push(`attempt ${earlier} of the same order ${state === undefined ? "was never opened" : `is ${state}`}`);
    break;
  }
  return found;
}

async function lastIssued(
  { chain }: ClientContext,
  kind: Directive["kind"],
  subject: string,
): Promise<Directive["base"]> {
  if (!hasBase(kind)) return NO_CONTENT;
  const at = { blockTag: chain.tip };
  return (await chain.read(() => chain.contracts.directives.lastIssued(subject, at))) as Directive["base"];
}
