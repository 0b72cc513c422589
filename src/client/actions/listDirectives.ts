import { raceSignal } from "race-signal";
import type { ChainEventOf } from "../../ports/chain/index.js";
import type { DirectiveKind } from "../../records/index.js";
import { newestOf } from "../../utils/newestOf.js";
import type { ClientContext } from "../client.js";
import type { DirectiveStatus, IssuedDirective } from "../directives/directive.js";
import { readDirective } from "../directives/readDirective.js";
import { UnknownDirectiveError } from "../errors.js";

const DEFAULT_LIMIT = 50;

export interface ListDirectivesParameters {
  readonly kind?: DirectiveKind | undefined;
  /** Only directives in one of these statuses. */
  readonly statuses?: readonly DirectiveStatus[] | undefined;
  /** At most this many; 50 by default. */
  readonly limit?: number | undefined;
  /** Only directives that were issued in this block or later. */
  readonly fromBlock?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lists the newest directives, newest first. A directive that ended over 32 blocks ago is read once.
 *
 * @throws ChainError.
 * @example
 * const toDo = await client.listDirectives({ statuses: ["Issued"] });
 */
export async function listDirectives(
  client: ClientContext,
  { kind, statuses, limit = DEFAULT_LIMIT, fromBlock = 0, signal }: ListDirectivesParameters = {},
): Promise<IssuedDirective[]> {
  const events = (await raceSignal(client.directives.read(), signal)).filter((event) => event.blockNumber >= fromBlock);
  const head = await raceSignal(client.chain.blockNumber(), signal);
  return newestOf(events, limit, async (event) => {
    signal?.throwIfAborted();
    const directive = await raceSignal(readIfThere(client, event, head), signal);
    if (directive === undefined) return undefined;
    const wanted =
      (kind === undefined || directive.kind === kind) &&
      (statuses === undefined || statuses.includes(directive.status));
    return wanted ? directive : undefined;
  });
}

/** Undefined if the directive is not there: its block has left the chain since its event was read. The others are. */
async function readIfThere(
  client: ClientContext,
  event: ChainEventOf<"DirectiveIssued">,
  head: number,
): Promise<IssuedDirective | undefined> {
  try {
    return await client.endedDirectives.read(event, head, () => readDirective(client, event));
  } catch (error) {
    if (error instanceof UnknownDirectiveError) return undefined;
    throw error;
  }
}
