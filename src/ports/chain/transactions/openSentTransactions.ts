import { z } from "zod";
import type { Hex } from "../../../records/index.js";
import { Journal, type JournalError } from "../../../utils/journal.js";
import { type SentEntry, SentTransactions } from "./sentTransactions.js";

const hex = z.string().regex(/^0x[0-9a-f]*$/i) as unknown as z.ZodType<Hex>;
const number = z.string().regex(/^\d{1,78}$/);
const place = { scope: z.string(), nonce: z.int().min(0) };
const entrySchema: z.ZodType<SentEntry> = z.discriminatedUnion("type", [
  z.object({
    ...{ type: z.literal("signed"), ...place, call: hex, gasLimit: number, max: number, tip: number },
    ...{ hash: hex, raw: hex },
  }),
  z.object({ type: z.literal("mined"), ...place, blockNumber: z.int().min(0) }),
  z.object({ type: z.literal("dropped"), ...place }),
]);

/**
 * Opens or creates the journal of sent transactions at `path`. Apart, since a browser has no files. A damaged one is copied aside,
 * and goes on with the lines that can be read: a transaction that is forgotten is found by its nonce, which the chain takes once.
 *
 * @param onDamage Called with why lines cannot be read.
 * @throws {@link DiskError}
 */
export async function openSentTransactions(
  path: string,
  onDamage?: (damage: JournalError) => void,
): Promise<SentTransactions> {
  const { damage, entries, journal } = await Journal.openOrSalvage(path, (value) => entrySchema.parse(value));
  if (damage !== undefined) onDamage?.(damage);
  return new SentTransactions(journal, entries);
}
