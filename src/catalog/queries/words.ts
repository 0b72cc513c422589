import { type RecordKind, RecordKinds } from "../../records/index.js";

/** What words are searched within, where it is known. */
export interface SearchScope {
  readonly author?: string | undefined;
  readonly kind?: RecordKind | undefined;
}

/** Author and kind as words of their own column. */
export function tagsOf({ author, kind }: SearchScope): string[] {
  return [
    ...(author === undefined ? [] : [`author${author.slice(2).toLowerCase()}`]),
    ...(kind === undefined ? [] : [`kind${RecordKinds.indexOf(kind)}`]),
  ];
}

/**
 * The FTS5 query for what somebody typed. Every word becomes a quoted string, so that nothing of FTS5's own language is
 * left in it; a last `*` asks for words that begin so.
 */
export function matchOf(text: string, scope: SearchScope = {}): string {
  // A zero byte would end the string within SQLite.
  const words = text.split(/[\s\0]+/).filter((word) => word !== "" && word !== "*");
  const terms = words.map((word) => {
    const stem = word.endsWith("*") ? word.slice(0, -1) : word;
    return `"${stem.replaceAll('"', '""')}"${stem === word ? "" : " *"}`;
  });
  const tags = tagsOf(scope).map((tag) => `tags : "${tag}"`);
  return [`text : (${terms.length === 0 ? '""' : terms.join(" AND ")})`, ...tags].join(" AND ");
}
