import { z } from "zod";

/** Other sessions that a word names at most. */
const MAX_SEEN = 8;

const session = z.string().regex(/^[0-9a-f]{32}$/);
const schema = z.strictObject({
  session,
  seen: z.array(session).max(MAX_SEEN),
  signed: z.int().min(0),
  over: z.boolean(),
  turn: z.int().min(0),
});

/**
 * What one run of an agent says of itself, signed by its key: its random name, the other sessions of the key that it has
 * heard of, how many signatures the key has made, and whether it has ended. Of one session the word of the highest turn counts.
 */
export type SessionWord = z.output<typeof schema>;

/** The word in this text; undefined if it holds no word. */
export function parseSessionWord(text: string): SessionWord | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
