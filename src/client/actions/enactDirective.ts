import { wordsOf } from "../../ports/chain/bitset.js";
import type { Receipt } from "../../ports/chain/index.js";
import type { ContentId, Hex } from "../../records/index.js";
import type { ClientContext } from "../client.js";
import type { DirectiveReport } from "../directives/directive.js";
import { findIssued } from "../directives/readDirective.js";
import { reportWords } from "../directives/report.js";
import { indicesIn } from "../nodes/membership.js";
import { requireAccount } from "../transactions/requireAccount.js";
import { sendTransaction } from "../transactions/sendTransaction.js";

export interface EnactDirectiveParameters {
  readonly directiveId: Hex;
  /** How it has ended. */
  readonly report: Exclude<DirectiveReport, "ready">;
  /** The `Outcome` record that enough nodes have attested. */
  readonly outcome: ContentId;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Enacts a directive on reports that are on chain already: they were too few, and suffice since others of its committee have left
 * it or were suspended. Anybody may do so.
 *
 * @throws ContractRevertError, such as `DirectiveRegistryTooFew`, `DirectiveRegistryNothingNew` if it is enacted already,
 * `DirectiveRegistryOtherHistory` if another report was counted meanwhile, or `DirectiveRegistryLapsed`;
 * {@link UnknownDirectiveError}; InvalidInputError; ChainError.
 * @example
 * await client.enactDirective({ directiveId, report: "done", outcome });
 */
export async function enactDirective(client: ClientContext, parameters: EnactDirectiveParameters): Promise<Receipt> {
  requireAccount(client);
  const { directiveId, signal } = parameters;
  const { report, outcome } = reportWords(parameters.report, parameters.outcome);
  const attested = await attestedSets(client, directiveId, report, outcome);
  const { directives } = client.chain.contracts;
  return sendTransaction(client, () => directives.enact(directiveId, report, outcome, attested), signal);
}

/** Who has made this report, as one set for each transaction: the registry keeps a hash of them, in the order of the chain. */
async function attestedSets(
  client: ClientContext,
  directiveId: Hex,
  report: number,
  outcome: ContentId,
): Promise<bigint[][]> {
  const { chain, membership } = client;
  const { args: issued, blockNumber: fromBlock } = await findIssued(client, directiveId);
  const names = ["DirectiveReported", "ReportsCounted"] as const;
  const events = await chain.events({ names, topics: [directiveId], fromBlock });
  const same = events.filter(({ args }) => Number(args.report) === report && args.outcome === outcome);
  const anyAlone = same.some(({ name }) => name === "DirectiveReported");
  const indexOf = anyAlone ? indicesIn(await membership.read(), Number(issued.epoch)) : () => 0;
  return same.map((event) =>
    event.name === "DirectiveReported" ? wordsOf([indexOf(event.args.node)]) : [...event.args.bits],
  );
}
