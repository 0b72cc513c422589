import type { DirectiveKind } from "../../records/index.js";
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
 * The newest directives, newest first.
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
  const found: IssuedDirective[] = [];
  for (const event of [...events].reverse()) {
    if (found.length >= limit) break;
    const directive = await readDirective(client, event);
    const wanted =
      (kind === undefined || directive.kind === kind) &&
      (statuses === undefined || statuses.includes(directive.status));
    if (wanted) found.push(directive);
  }
  return found;
}
