import { describe, expect, it } from "vitest";
import { anchorOnce } from "../../../src/client/anchors/anchorOnce.js";
import { eventOf } from "../../harness/events.js";
import { contextOf, revertOf } from "../../harness/fakeClient.js";
import { idOf, NODE } from "../../records/samples.js";

const batch = { author: NODE, root: idOf("root"), count: 1, manifest: idOf("manifest") };
const event = eventOf("Anchored", { sequence: 4n, manifest: idOf("first manifest") }, { blockNumber: 9 });
const receipt = { hash: idOf("sent"), blockNumber: 10, gasUsed: 1n, logs: [event] };

/** A chain that has the anchor from the `since`-th question on, and whose transactions `send` answers. */
function clientOf({ since = Number.POSITIVE_INFINITY, hasEvent = true, send = async () => receipt as unknown } = {}) {
  let [asked, sent] = [0, 0];
  const topics: unknown[] = [];
  const client = contextOf({
    chain: {
      contracts: {
        knowledge: {
          anchorOf: async () =>
            ++asked >= since ? { anchoredAt: 7n, sequence: 4n } : { anchoredAt: 0n, sequence: 0n },
        },
      },
      events: async (selection: { topics: unknown }) => {
        topics.push(selection.topics);
        return hasEvent ? [event] : [];
      },
      send: async (transact: () => Promise<unknown>) => {
        sent += 1;
        await transact();
        return send();
      },
    },
  });
  return {
    topics,
    sent: () => sent,
    anchor: (signal?: AbortSignal) => anchorOnce(client, batch, async () => ({}) as never, signal),
  };
}

describe("an anchor", () => {
  it("is sent where the chain has none, and gives the sequence that its event tells", async () => {
    const { anchor, sent } = clientOf();
    expect(await anchor()).toEqual({
      ...{ root: batch.root, manifest: batch.manifest, sequence: 4 },
      ...{ transactionHash: receipt.hash, blockNumber: 10, receipt },
    });
    expect(sent()).toBe(1);
  });

  it("is not sent where the chain has it: what stands there is given, without a receipt", async () => {
    const { anchor, sent, topics } = clientOf({ since: 1 });
    expect(await anchor()).toMatchObject({
      ...{ sequence: 4, manifest: idOf("first manifest"), blockNumber: 9, receipt: null },
      transactionHash: event.transactionHash,
    });
    expect(sent()).toBe(0);
    expect(topics).toEqual([[`0x${"00".repeat(12)}${NODE.slice(2).toLowerCase()}`, batch.root]]);
  });

  it("is found where another account was quicker", async () => {
    const { anchor } = clientOf({ since: 2, send: () => Promise.reject(revertOf("KnowledgeRegistryAnchorExists")) });
    expect(await anchor()).toMatchObject({ blockNumber: 9, receipt: null });
  });

  it("fails where another was quicker, it is said, but the chain does not show it", async () => {
    const refusal = revertOf("KnowledgeRegistryAnchorExists");
    const { anchor } = clientOf({ since: 2, hasEvent: false, send: () => Promise.reject(refusal) });
    await expect(anchor()).rejects.toBe(refusal);
  });

  it("fails with every other refusal", async () => {
    const refusal = revertOf("KnowledgeRegistryNotMember");
    const { anchor } = clientOf({ since: 2, send: () => Promise.reject(refusal) });
    await expect(anchor()).rejects.toBe(refusal);
  });

  it("is not sent once its signal has aborted", async () => {
    const { anchor, sent } = clientOf();
    await expect(anchor(AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    expect(sent()).toBe(0);
  });
});
