import { type RecordKind, RecordKinds } from "../../records/index.js";

/** The author and the kind of record to which a search is limited, if any. */
export interface SearchScope {
  readonly author?: string | undefined;
  readonly kind?: RecordKind | undefined;
}

/** Author and kind as words of a column of their own. */
export function tagsOf({ author, kind }: SearchScope): string[] {
  return [
    ...(author === undefined ? [] : [`author${author.slice(2).toLowerCase()}`]),
    ...(kind === undefined ? [] : [`kind${RecordKinds.indexOf(kind)}`]),
  ];
}

/**
 * The FTS5 query for a text. Every word is quoted, so that FTS5 finds no operator in the text. A word that ends with `*` matches
 * all words that begin like it.
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
