import { describe, expect, it } from "vitest";
import { BlockJournal, JOURNAL_LENGTH } from "../../../../src/ports/chain/events/blockJournal.js";
import type { ChainEvent } from "../../../../src/ports/chain/events/event.js";

const eventOf = (transaction: string, blockNumber: number, fork = "a") =>
  ({
    name: "FlagSet",
    contract: "ParameterRegistry",
    args: { name: transaction, count: 1n },
    transactionHash: `0x${transaction}`,
    blockNumber,
    blockHash: `0x${fork}${blockNumber}`,
    logIndex: 0,
  }) as unknown as ChainEvent;

describe("the journal of blocks that were read", () => {
  it("gives new events, and has the newest block as its tip", () => {
    const journal = new BlockJournal();
    const events = [eventOf("01", 1), eventOf("02", 3)];
    expect(journal.advance(3, "0xa3", events)).toEqual(events);
    expect(journal.tip).toMatchObject({ number: 3, hash: "0xa3" });
    journal.drop();
    expect(journal.tip).toMatchObject({ number: 1, hash: "0xa1" });
  });

  it("does not give an event again whose transaction is in another block after a reorganisation", () => {
    const journal = new BlockJournal();
    journal.advance(3, "0xa3", [eventOf("01", 2), eventOf("02", 3)]);
    journal.drop();
    const [moved, fresh] = [eventOf("02", 4, "b"), eventOf("03", 4, "b")];
    expect(journal.advance(4, "0xb4", [moved, fresh])).toEqual([fresh]);
  });

  it("gives equal events of one transaction each once", () => {
    const twice = [eventOf("01", 2), eventOf("01", 2)];
    expect(new BlockJournal().advance(2, "0xa2", twice)).toEqual(twice);
  });

  it("is lost only if blocks before its first entry were read and every entry has left the chain", () => {
    const fresh = new BlockJournal();
    fresh.advance(1, "0xa1", []);
    fresh.drop();
    expect(fresh.lost).toBe(false);
    const resumed = new BlockJournal({ number: 7, hash: "0xa7" });
    expect(resumed.lost).toBe(false);
    resumed.drop();
    expect(resumed.lost).toBe(true);
  });

  it("keeps a bounded number of entries", () => {
    const journal = new BlockJournal();
    for (let block = 1; block <= JOURNAL_LENGTH + 5; block++) journal.advance(block, `0xa${block}`, []);
    for (let i = 1; i < JOURNAL_LENGTH; i++) journal.drop();
    expect(journal.tip?.number).toBe(6);
    expect(journal.lost).toBe(false);
    journal.drop();
    expect(journal.lost).toBe(true);
  });
});
