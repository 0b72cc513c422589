import type { DirectiveKind } from "../../records/index.js";
import { newestOf } from "../anchors/newestOf.js";
import type { ClientContext } from "../client.js";
import type { DirectiveStatus, IssuedDirective } from "../directives/directive.js";
import { readDirective } from "../directives/readDirective.js";

const DEFAULT_LIMIT = 50;

export interface ListDirectivesParameters {
  readonly kind?: DirectiveKind | undefined;
  /** Only directives that stand so. */
  readonly statuses?: readonly DirectiveStatus[] | undefined;
  /** At most this many; 50 by default. */
  readonly limit?: number | undefined;
  /** Only directives that were issued in this block or later. */
  readonly fromBlock?: number | undefined;
}

/**
 * The newest directives, newest first. What has ended is not asked for again once that is 32 blocks deep.
 *
 * @throws ChainError.
 * @example
 * const toDo = await client.listDirectives({ statuses: ["Issued"] });
 */
export async function listDirectives(
  client: ClientContext,
  { kind, statuses, limit = DEFAULT_LIMIT, fromBlock = 0 }: ListDirectivesParameters = {},
): Promise<IssuedDirective[]> {
  const events = (await client.directives.read()).filter((event) => event.blockNumber >= fromBlock);
  const head = await client.chain.blockNumber();
  return newestOf(events, limit, async (event) => {
    const directive = await client.endedDirectives.read(event, head, () => readDirective(client, event));
    const wanted =
      (kind === undefined || directive.kind === kind) &&
      (statuses === undefined || statuses.includes(directive.status));
    return wanted ? directive : undefined;
  });
}
