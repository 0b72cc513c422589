import { indicesOf } from "../../../ports/chain/bitset.js";
import type { Chain, ChainEventOf } from "../../../ports/chain/index.js";
import type { Address } from "../../../records/index.js";
import type { Committees } from "../../aggregation/committees.js";

const names = [
  ...(["VoteCast", "VoteCastWithParams", "BallotsCounted"] as const),
  ...(["DirectiveReported", "ReportsCounted", "Anchored", "JointlyAnchored"] as const),
] as const;

/**
 * Who has signed what is new on chain: an agent that signs is there. A vote from the account of a person says nothing of
 * the machine. What was on chain before the first call is old.
 */
export class SignedSeats {
  readonly #chain: Pick<Chain, "blockNumber" | "events">;
  /** The first block that was not read. */
  #next: number | undefined;

  constructor(chain: Pick<Chain, "blockNumber" | "events">) {
    this.#chain = chain;
  }

  /** The indices of the newest committee's members that have signed since the last call. */
  async read(committees: Pick<Committees, "ofAccount">): Promise<ReadonlySet<number>> {
    const head = await this.#chain.blockNumber();
    const fromBlock = this.#next ?? head + 1;
    const events = fromBlock > head ? [] : await this.#chain.events({ names, fromBlock, toBlock: head });
    this.#next = Math.max(fromBlock, head + 1);
    const seats = new Set<number>();
    for (const event of events) {
      for (const index of indicesIn(event)) seats.add(index);
      const account = accountOf(event);
      const node = account === undefined ? undefined : committees.ofAccount(account);
      if (node !== undefined) seats.add(node.index);
    }
    return seats;
  }
}

function indicesIn(event: ChainEventOf<(typeof names)[number]>): number[] {
  switch (event.name) {
    case "BallotsCounted":
      return [event.args.forBits, event.args.againstBits, event.args.abstainBits].flatMap(indicesOf);
    case "ReportsCounted":
      return indicesOf(event.args.bits);
    case "JointlyAnchored":
      return indicesOf(event.args.authors);
    default:
      return [];
  }
}

function accountOf(event: ChainEventOf<(typeof names)[number]>): Address | undefined {
  switch (event.name) {
    case "VoteCast":
    case "VoteCastWithParams":
      return event.args.voter as Address;
    case "DirectiveReported":
      return event.args.node as Address;
    case "Anchored":
      return event.args.author as Address;
    default:
      return undefined;
  }
}
