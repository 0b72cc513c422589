/**
 * The first key that occurs twice in one object of valid JSON text. `JSON.parse` silently keeps the last, so two readers
 * could read two different files.
 */
export function repeatedKey(json: string): string | undefined {
  /** The keys read so far of each open object; undefined for an open array. */
  const open: (Set<string> | undefined)[] = [];
  let text: string | undefined;
  for (let i = 0; i < json.length; i++) {
    const character = json.charAt(i);
    if (character === '"') {
      const end = endOfString(json, i);
      text = json.slice(i, end);
      i = end - 1;
    } else if (character === "{") open.push(new Set());
    else if (character === "[") open.push(undefined);
    else if (character === "}" || character === "]") open.pop();
    else if (character === ":" && text !== undefined) {
      const key = String(JSON.parse(text));
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
}

function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (i < json.length && json.charAt(i) !== '"') i += json.charAt(i) === "\\" ? 2 : 1;
  return i + 1;
}
