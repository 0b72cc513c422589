import { describe, expect, it } from "vitest";
import { SignedSeats } from "../../../../src/agent/presence/onChain/signedSeats.js";
import type { NodeSummary } from "../../../../src/client/index.js";
import type { ChainEvent } from "../../../../src/ports/chain/index.js";
import { eventOf } from "../../../harness/events.js";
import { chainOf } from "../../../harness/fakeClient.js";
import { NODE, OTHER } from "../../../records/samples.js";

describe("the seats that sign on chain", () => {
  it("are those of every new ballot, report and anchor, of agents alone", async () => {
    const events: ChainEvent[] = [eventOf("VoteCast", { voter: NODE }, { blockNumber: 5 })];
    let head = 5;
    const signed = new SignedSeats(
      chainOf({
        blockNumber: async () => head,
        events: async ({ fromBlock, toBlock }: { fromBlock: number; toBlock: number }) =>
          events.filter(({ blockNumber }) => blockNumber >= fromBlock && blockNumber <= toBlock),
      }),
    );
    const committees = {
      ofAccount: (account: string) => (account === NODE ? ({ index: 1 } as NodeSummary) : undefined),
    };
    expect(await signed.read(committees)).toEqual(new Set());

    events.push(
      eventOf("DirectiveReported", { node: NODE }, { blockNumber: 6 }),
      eventOf("VoteCast", { voter: OTHER }, { blockNumber: 6 }),
      eventOf("BallotsCounted", { forBits: [4n], againstBits: [8n], abstainBits: [16n] }, { blockNumber: 7 }),
      eventOf("ReportsCounted", { bits: [32n] }, { blockNumber: 7 }),
      eventOf("JointlyAnchored", { authors: [0n, 1n] }, { blockNumber: 7 }),
    );
    head = 7;
    expect(await signed.read(committees)).toEqual(new Set([1, 2, 3, 4, 5, 256]));
    expect(await signed.read(committees)).toEqual(new Set());
    events.push(eventOf("Anchored", { author: NODE }, { blockNumber: 8 }));
    head = 8;
    expect(await signed.read(committees)).toEqual(new Set([1]));
  });
});
