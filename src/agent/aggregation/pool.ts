import type { Clock } from "../../utils/clock.js";

/** A verified message, and since when it is known, in monotonic milliseconds. */
export interface PooledMessage<Message> {
  readonly message: Message;
  readonly since: number;
}

/** Two different messages that one node has signed in one place: only the node itself can have made them. */
export interface Contradiction<Message> {
  readonly first: Message;
  readonly second: Message;
}

export interface MessagePoolDependencies<Place, Message extends Place> {
  readonly clock: Pick<Clock, "monotonic">;
  /** What the message is about, such as a proposal. */
  readonly subjectOf: (place: Place) => string;
  /** Whose message it is, such as a node's index: of each key, one message on each subject counts. */
  readonly keyOf: (place: Place) => string | number;
  readonly saysTheSame: (one: Message, other: Message) => boolean;
}

/** What nodes are known to say of one subject. */
interface SubjectMessages<Message> {
  readonly known: Map<string | number, PooledMessage<Message>>;
  readonly contradictions: Map<string | number, Contradiction<Message>>;
}

/**
 * The verified messages that a node knows: the first in each place counts, and one that contradicts it is kept as evidence.
 * Its size is bounded by what the validator admits: open subjects and their committees.
 */
export class MessagePool<Place, Message extends Place> {
  readonly #dependencies: MessagePoolDependencies<Place, Message>;
  readonly #subjects = new Map<string, SubjectMessages<Message>>();

  constructor(dependencies: MessagePoolDependencies<Place, Message>) {
    this.#dependencies = dependencies;
  }

  get subjects(): readonly string[] {
    return [...this.#subjects.keys()];
  }

  get(place: Place): Message | undefined {
    const { keyOf, subjectOf } = this.#dependencies;
    return this.#subjects.get(subjectOf(place))?.known.get(keyOf(place))?.message;
  }

  /** All messages on a subject, in the order in which they came. */
  list(subject: string): readonly PooledMessage<Message>[] {
    return [...(this.#subjects.get(subject)?.known.values() ?? [])];
  }

  contradictionOf(place: Place): Contradiction<Message> | undefined {
    const { keyOf, subjectOf } = this.#dependencies;
    return this.#subjects.get(subjectOf(place))?.contradictions.get(keyOf(place));
  }

  /** Keeps a message that was verified. One that is known, or a further contradiction, changes nothing. */
  add(message: Message): "new" | "known" | "contradiction" {
    const { clock, keyOf, saysTheSame, subjectOf } = this.#dependencies;
    const [subject, key] = [subjectOf(message), keyOf(message)];
    const messages = this.#subjects.get(subject) ?? { known: new Map(), contradictions: new Map() };
    this.#subjects.set(subject, messages);
    const first = messages.known.get(key)?.message;
    if (first === undefined) {
      messages.known.set(key, { message, since: clock.monotonic() });
      return "new";
    }
    if (saysTheSame(first, message) || messages.contradictions.has(key)) return "known";
    messages.contradictions.set(key, { first, second: message });
    return "contradiction";
  }

  /** Forgets one message, such as one that spoils an aggregate after all. */
  forget(place: Place): void {
    const { keyOf, subjectOf } = this.#dependencies;
    this.#subjects.get(subjectOf(place))?.known.delete(keyOf(place));
  }

  /** Forgets a subject that has ended. */
  drop(subject: string): void {
    this.#subjects.delete(subject);
  }

  clear(): void {
    this.#subjects.clear();
  }
}
