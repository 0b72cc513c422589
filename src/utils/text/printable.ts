/**
 * Characters that a terminal obeys, that are not seen, or that change the order in which others are shown: control characters
 * (ESC, CR, C1 and their kin), format characters (bidirectional marks, tags), lone surrogates, line and paragraph separators,
 * fillers and noncharacters. (Unicode TR 36, 3.6; CWE-150; CVE-2021-42574)
 */
const UNPRINTABLE = String.raw`[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]`;

/** Scripts in which a joiner between letters changes how words are written. */
const JOINING = String.raw`[\p{scx=Arab}\p{scx=Syrc}\p{scx=Deva}\p{scx=Beng}\p{scx=Guru}\p{scx=Gujr}\p{scx=Orya}\p{scx=Taml}\p{scx=Telu}\p{scx=Knda}\p{scx=Mlym}\p{scx=Sinh}\p{scx=Khmr}\p{scx=Mymr}]`;

/** Where invisible characters are a part of what people write: in emoji, and in words of those scripts. */
const MEANT = [
  String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F])\u200D(?=\p{Extended_Pictographic})`,
  String.raw`(?<=\p{Emoji})[\uFE0E\uFE0F]`,
  String.raw`(?<=${JOINING})[\u200C\u200D](?=${JOINING})`,
].join("|");

const pattern = new RegExp(`${MEANT}|(${UNPRINTABLE})`, "gu");

/** More marks on one letter than any language has; the rest would be drawn over the lines above and below. */
const MAX_MARKS = 8;
const EXCESS_MARKS = new RegExp(String.raw`(\p{M}{${MAX_MARKS}})\p{M}+`, "gu");

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * A text of others as one line that a terminal only shows: what it would obey or hide is written as an escape, such as `\n` or
 * `\u{1b}`. For reading: of two texts that differ, the lines may be the same.
 */
export function printableLine(text: string): string {
  return text
    .replace(EXCESS_MARKS, "$1\ufffd")
    .replace(pattern, (kept, bad?: string) =>
      bad === undefined ? kept : (SHORT_ESCAPES[bad] ?? `\\u{${(bad.codePointAt(0) ?? 0).toString(16)}}`),
    );
}

/** As {@link printableLine}, except that line breaks stay. */
export function printableLines(text: string): string {
  return text.split("\n").map(printableLine).join("\n");
}

/**
 * The same JSON document, in which all that {@link printableLine} escapes is written as `\uXXXX`: exact for programs, and
 * harmless on a terminal. JSON itself escapes the characters below U+0020 alone.
 */
export function printableJson(json: string): string {
  return json.replace(pattern, (kept, bad?: string) => {
    if (bad === undefined || bad === "\n") return kept;
    return Array.from({ length: bad.length }, (_, i) => `\\u${bad.charCodeAt(i).toString(16).padStart(4, "0")}`).join(
      "",
    );
  });
}

const WIDE = /\p{Emoji_Presentation}|[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\uff01-\uff60]/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The columns that a terminal needs for a printable line: one for each character, two for emoji and East Asian ones. */
export function columnsOf(line: string): number {
  if (/^[\x20-\x7e]*$/.test(line)) return line.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(line)) columns += WIDE.test(segment) ? 2 : 1;
  return columns;
}
