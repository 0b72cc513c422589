import type { Address } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import type { SessionWord } from "./sessionWord.js";

/** Sessions of one key that are remembered: the newest; a restart makes one more. */
const MAX_SESSIONS = 4;

interface HeardSession {
  readonly word: SessionWord;
  readonly text: string;
  /** Monotonic. */
  readonly at: number;
}

/** The newest word of each session of other members, in memory: bounded by the committee. */
export class HeardSessions {
  readonly #clock: Pick<Clock, "monotonic">;
  /** By account in lower case, then by session. */
  readonly #heard = new Map<string, Map<string, HeardSession>>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** The word in this text, if exactly this was heard of the account: its signature need not be verified again. */
  find(account: Address, text: string): SessionWord | undefined {
    return [...(this.#heard.get(account.toLowerCase())?.values() ?? [])].find((each) => each.text === text)?.word;
  }

  /** Keeps a word that an account has signed and its own peer has sent. An older one of the same session changes nothing. */
  add(account: Address, word: SessionWord, text: string): void {
    const key = account.toLowerCase();
    const sessions = this.#heard.get(key) ?? new Map<string, HeardSession>();
    this.#heard.set(key, sessions);
    const known = sessions.get(word.session);
    sessions.delete(word.session);
    const newer = known !== undefined && known.word.turn > word.turn ? known : { word, text };
    sessions.set(word.session, { word: newer.word, text: newer.text, at: this.#clock.monotonic() });
    const [oldest] = sessions.keys();
    if (sessions.size > MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
  }

  /** The words of an account's sessions but one, and how long ago each was heard, in milliseconds. */
  others(account: Address, session: string): { readonly word: string; readonly agoMs: number }[] {
    const now = this.#clock.monotonic();
    return [...(this.#heard.get(account.toLowerCase())?.values() ?? [])]
      .filter((each) => each.word.session !== session)
      .map(({ at, text }) => ({ word: text, agoMs: now - at }));
  }

  /** Forgets accounts that are no members any more. */
  keep(accounts: ReadonlySet<string>): void {
    for (const key of this.#heard.keys()) if (!accounts.has(key)) this.#heard.delete(key);
  }
}
