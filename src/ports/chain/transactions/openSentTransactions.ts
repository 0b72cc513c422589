import { Journal } from "../../../utils/journal.js";
import { type SentEntry, SentTransactions } from "./sentTransactions.js";

/** Opens or creates the journal of sent transactions at `path`. Apart, since a browser has no files. @throws JournalError */
export async function openSentTransactions(path: string): Promise<SentTransactions> {
  const { entries, journal } = await Journal.open<SentEntry>(path);
  return new SentTransactions(journal, entries);
}
