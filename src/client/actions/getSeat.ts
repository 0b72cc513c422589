import { raceSignal } from "race-signal";
import type { Address } from "../../records/index.js";
import type { ClientContext } from "../client.js";

/** The seat of an operator. */
export interface Seat {
  readonly operator: Address;
  /** Whether this operator has the seat; false also for one who gave it to another. */
  readonly seated: boolean;
  /** The index of its agent; null while it has none. */
  readonly index: number | null;
  /** How often the seat was changed: the nonce that the operator's next consent names. */
  readonly nonce: number;
  /** When its agent was set, in seconds since 1970; the next can be set a day later. */
  readonly agentSetAt: number;
}

export interface GetSeatParameters {
  readonly operator: Address;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the seat of an operator; one that never had a seat has the nonce 0.
 *
 * @throws ChainError.
 * @example
 * const { index, nonce } = await client.getSeat({ operator });
 */
export async function getSeat(
  { chain }: Pick<ClientContext, "chain">,
  { operator, signal }: GetSeatParameters,
): Promise<Seat> {
  const seat = await raceSignal(
    chain.read(() => chain.contracts.nodes.seat(operator)),
    signal,
  );
  const hasAgent = seat.seated && seat.latest !== 0n && seat.removedAt === 0n;
  return {
    operator,
    seated: seat.seated,
    index: hasAgent ? Number(seat.latest) - 1 : null,
    nonce: Number(seat.nonce),
    agentSetAt: Number(seat.agentSetAt),
  };
}
