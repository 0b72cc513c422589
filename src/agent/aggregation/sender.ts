import type { BackgroundJobs } from "../backgroundJobs.js";
import { Rebroadcast, type RebroadcastDependencies } from "./rebroadcast.js";

/** Where a message stands that does not count yet. */
export interface MessageStanding {
  /** Whether its deadline is near. */
  readonly late: boolean;
  /** Whether it can go to the chain in a transaction of its own. */
  readonly direct: boolean;
}

export interface MessageSenderDependencies<Message> extends RebroadcastDependencies {
  readonly jobs: BackgroundJobs;
  /** Names the background job that sends a message directly. */
  readonly jobName: string;
  /** Undefined if the message counts already, or cannot count now. */
  readonly standingOf: (message: Message) => Promise<MessageStanding | undefined>;
  /** Brings the message to the chain in a transaction of its own. */
  readonly sendDirectly: (message: Message, why: "alone" | "late") => Promise<void>;
}

interface SentMessage<Message> {
  readonly message: Message;
  /** Undefined if others cannot verify it, since this node's key is not the one that the registry has. */
  readonly broadcast: Rebroadcast | undefined;
}

/** Sends this node's signed messages until they count, and brings them to the chain directly when alone or late. */
export class MessageSender<Message> {
  readonly #dependencies: MessageSenderDependencies<Message>;
  readonly #sent = new Map<string, SentMessage<Message>>();

  constructor(dependencies: MessageSenderDependencies<Message>) {
    this.#dependencies = dependencies;
  }

  get messages(): readonly Message[] {
    return [...this.#sent.values()].map(({ message }) => message);
  }

  has(key: string): boolean {
    return this.#sent.has(key);
  }

  /**
   * Sends a message for the first time; gives the number of peers that it went to.
   *
   * @param bytes Undefined if others cannot verify it: then it goes to the chain directly.
   */
  async send(key: string, message: Message, bytes: Uint8Array | undefined): Promise<number> {
    const broadcast = bytes && new Rebroadcast(this.#dependencies, bytes);
    this.#sent.set(key, { message, broadcast });
    await broadcast?.send();
    return broadcast?.recipients ?? 0;
  }

  /** Sends again what does not count yet, and directly what no peer hears or whose deadline is near. */
  async sendAgain(): Promise<void> {
    const { jobName, jobs, sendDirectly, standingOf } = this.#dependencies;
    for (const [key, { broadcast, message }] of this.#sent) {
      const standing = await standingOf(message);
      if (standing === undefined) continue;
      await broadcast?.send();
      const alone = broadcast === undefined || broadcast.isAlone;
      if (standing.direct && (alone || standing.late)) {
        jobs.start(`${jobName} ${key}`, () => sendDirectly(message, alone ? "alone" : "late"));
      }
    }
  }

  /** Forgets messages that need not be sent any more. */
  forget(isOver: (message: Message) => boolean): void {
    for (const [key, { message }] of this.#sent) if (isOver(message)) this.#sent.delete(key);
  }
}
