import type { Database } from "../database/database.js";

/** Deletes a content that no record refers to any more, with its parents and resolutions. */
export function deleteUnlessListed(db: Database, content: number): void {
  if (db.get("SELECT 1 FROM records WHERE content = ? LIMIT 1", content) !== undefined) return;
  db.run("DELETE FROM parents WHERE child = (SELECT content_id FROM contents WHERE id = ?)", content);
  db.run("DELETE FROM resolutions WHERE content = ?", content);
  db.run("DELETE FROM contents WHERE id = ?", content);
}
