import type { Receipt } from "../../ports/chain/index.js";

/** Other nodes may settle at the same moment: what they brought is left out the next time. */
const ATTEMPTS = 5;

/** A transaction that brought signed messages to the chain. */
export interface Settlement {
  readonly count: number;
  readonly transaction: string;
  readonly gas: bigint;
}

export interface SubmitAggregateParameters<Message> {
  /** The messages that do not count yet; read anew for each attempt. */
  readonly pending: () => Promise<readonly Message[]>;
  readonly submit: (messages: readonly Message[]) => Promise<Pick<Receipt, "hash" | "gasUsed">>;
  /** Whether the refusal says that there is nothing to settle any more. */
  readonly isOver: (error: unknown) => boolean;
  /** Removes the cause of a refusal, so that another attempt may succeed; false if it is not known. */
  readonly recover: (error: unknown, messages: readonly Message[]) => Promise<boolean>;
}

/** Brings pending messages to the chain in one transaction; undefined if others have, or the subject has ended. */
export async function submitAggregate<Message>({
  isOver,
  pending,
  recover,
  submit,
}: SubmitAggregateParameters<Message>): Promise<Settlement | undefined> {
  for (let attempt = 1; ; attempt++) {
    const messages = await pending();
    if (messages.length === 0) return undefined;
    try {
      const { gasUsed, hash } = await submit(messages);
      return { count: messages.length, transaction: hash, gas: gasUsed };
    } catch (error) {
      if (isOver(error)) return undefined;
      if (attempt >= ATTEMPTS || !(await recover(error, messages))) throw error;
    }
  }
}
