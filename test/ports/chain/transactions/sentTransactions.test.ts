import { describe, expect, it } from "vitest";
import { type SentEntry, SentTransactions } from "../../../../src/ports/chain/transactions/sentTransactions.js";
import type { Hex } from "../../../../src/records/index.js";

const scope = "chain account";
const draftOf = (nonce: number, call: Hex = "0xca11") => ({ nonce, call, gasLimit: 21_000n });
const version = (name: string) => ({ raw: `0x${name}`, hash: `0xff${name}`, max: 3n * 10n ** 20n, tip: 1n }) as const;

/** A journal in memory, and what opens again with what it holds. */
function journalled() {
  const lines: SentEntry[] = [];
  const journal = {
    append: async (entry: SentEntry) => void lines.push(JSON.parse(JSON.stringify(entry))),
    replace: async (entries: readonly SentEntry[]) => void lines.splice(0, lines.length, ...entries),
    close: async () => undefined,
  };
  return { lines, open: () => new SentTransactions(journal, [...lines]) };
}

describe("sent transactions", () => {
  it("are the same after they are opened again", async () => {
    const { open } = journalled();
    const sent = open();
    await sent.addVersion(scope, draftOf(1), version("a1"));
    await sent.addVersion(scope, draftOf(1), version("a2"));
    await sent.noteAnswered(scope, 1, 7);
    await sent.addVersion(scope, draftOf(2), version("b1"));
    await sent.addVersion("other account", draftOf(1), version("c1"));
    await sent.addVersion(scope, draftOf(3), version("d1"));
    await sent.drop(scope, 3);
    const again = open();
    expect(again.list(scope)).toEqual(sent.list(scope));
    expect(again.list(scope)).toMatchObject([
      { nonce: 1, isAnswered: true, minedIn: 7, versions: [version("a1"), version("a2")] },
      { nonce: 2, isAnswered: false, minedIn: undefined, versions: [version("b1")] },
    ]);
    expect(again.list("other account")).toHaveLength(1);
  });

  it("begin anew where a nonce is taken by another call", async () => {
    const sent = journalled().open();
    await sent.addVersion(scope, draftOf(1), version("a1"));
    const other = await sent.addVersion(scope, draftOf(1, "0x0c"), version("b1"));
    expect(other.versions).toEqual([version("b1")]);
  });

  it("are forgotten 64 blocks after theirs once they are answered, and what is in no block never", async () => {
    const { open } = journalled();
    const sent = open();
    for (const nonce of [1, 2, 3]) await sent.addVersion(scope, draftOf(nonce), version(`a${nonce}`));
    await sent.noteAnswered(scope, 1, 10);
    sent.noteMined(scope, 2, 10);
    await sent.forgetFinal(scope, 74);
    expect(sent.list(scope)).toHaveLength(3);
    await sent.forgetFinal(scope, 75);
    expect(sent.list(scope)).toMatchObject([{ nonce: 2 }, { nonce: 3 }]);
    const again = open();
    await again.forgetFinal(scope, 75);
    expect(again.list(scope)).toMatchObject([{ nonce: 2 }, { nonce: 3 }]);
    await again.noteAnswered(scope, 2, 10);
    await again.forgetFinal(scope, 75);
    expect(again.list(scope)).toMatchObject([{ nonce: 3 }]);
  });

  it("that nobody asks about again are kept in a bounded number, the newest", async () => {
    const { open } = journalled();
    const sent = open();
    for (let nonce = 0; nonce < 100; nonce++) {
      await sent.addVersion(scope, draftOf(nonce), version(`${nonce}`));
      sent.noteMined(scope, nonce, nonce);
    }
    await sent.forgetFinal(scope, 1_000);
    expect(sent.list(scope).map(({ nonce }) => nonce)).toEqual(Array.from({ length: 64 }, (_, i) => 36 + i));
    expect(open().list(scope)).toHaveLength(64);
  });

  it("keep their journal short, however many there were", async () => {
    const { lines, open } = journalled();
    const sent = open();
    for (let nonce = 0; nonce < 2_000; nonce++) {
      await sent.addVersion(scope, draftOf(nonce), version(`${nonce}`));
      await sent.noteAnswered(scope, nonce, nonce);
      await sent.forgetFinal(scope, nonce);
    }
    expect(lines.length).toBeLessThan(600);
    expect(open().list(scope).slice(-65)).toEqual(sent.list(scope).slice(-65));
  });
});
