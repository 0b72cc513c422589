import type { Client, IssuedDirective } from "../../client/index.js";
import type { WorkloadReleases } from "../../policy/index.js";
import { ContentError } from "../../ports/content/index.js";
import { isSignedByPublisher } from "../../ports/keys/index.js";
import {
  type ContentId,
  type Order,
  publisherId,
  type Release,
  subjectHash,
  workloadSubject,
} from "../../records/index.js";

/** Directives that are read to learn what became of a workload; a release further back is not rolled back to. */
const MAX_DIRECTIVES = 200;

/** Whether a release is signed, over all that it runs, by a publisher that the DAO admits now. */
export async function isPublished({ chain }: Pick<Client, "chain">, release: Release): Promise<boolean> {
  const { signed } = release;
  if (signed === undefined || !isSignedByPublisher(release)) return false;
  return chain.read(() => chain.contracts.publishers.isAdmitted(publisherId(signed.publisher)));
}

/** What chain and content say of a workload's releases; undefined if no order brought one that can still be read. */
export async function readWorkloadReleases(
  client: Pick<Client, "fetchPayload" | "listDirectives">,
  workload: string,
  signal: AbortSignal,
): Promise<WorkloadReleases | undefined> {
  const subject = subjectHash(workloadSubject(workload));
  const newest = await client.listDirectives({ limit: MAX_DIRECTIVES, signal });
  const orders: { readonly order: Order; readonly done: boolean }[] = [];
  for (const directive of newest) {
    if (directive.subject !== subject || (directive.kind !== "Deploy" && directive.kind !== "Rollback")) continue;
    const order = await readOrder(client, directive, signal);
    if (order === undefined) break;
    orders.unshift({ order, done: directive.status === "Done" });
  }
  return orders.reduce<WorkloadReleases | undefined>(
    (before, { done, order }) => after(before, order, done),
    undefined,
  );
}

/** The incidents in `evidence` that a directive on the subject cites that was issued since this block and is done. */
export async function resolvedBy(
  client: Pick<Client, "listDirectives">,
  subject: string,
  fromBlock: number,
): Promise<ReadonlySet<ContentId>> {
  const hash = subjectHash(subject);
  const done = await client.listDirectives({ statuses: ["Done"], fromBlock, limit: MAX_DIRECTIVES });
  return new Set(done.filter((directive) => directive.subject === hash).flatMap(({ evidence }) => evidence));
}

function after(before: WorkloadReleases | undefined, order: Order, done: boolean): WorkloadReleases | undefined {
  const good = before?.good ?? [];
  const target =
    order.kind === "Deploy"
      ? order.release
      : order.kind === "Rollback"
        ? (order.to ?? good.findLast(({ sha256 }) => sha256 !== order.from))
        : undefined;
  if (target === undefined) return before;
  if (!done) return { running: target.sha256, good };
  const left = order.kind === "Rollback" ? order.from : undefined;
  const others = good.filter(({ sha256 }) => sha256 !== target.sha256 && sha256 !== left);
  return { running: target.sha256, good: [...others, target] };
}

/** Undefined if nobody has the payload any more. */
async function readOrder(
  client: Pick<Client, "fetchPayload">,
  { payload }: IssuedDirective,
  signal: AbortSignal,
): Promise<Order | undefined> {
  try {
    return (await client.fetchPayload({ contentId: payload, signal })).order;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ContentError) return undefined;
    throw error;
  }
}
