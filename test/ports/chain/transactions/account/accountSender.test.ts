import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { id, keccak256, Transaction, toQuantity } from "ethers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type Chain, createChain } from "../../../../../src/ports/chain/index.js";
import { openSentTransactions } from "../../../../../src/ports/chain/transactions/openSentTransactions.js";
import type { SentTransactions } from "../../../../../src/ports/chain/transactions/sentTransactions.js";
import { systemClock } from "../../../../../src/utils/clock.js";
import { type FaultyMempool, faultyMempool } from "../../../../faults/mempool.js";
import { stepped, type TestClock } from "../../../../harness/clock.js";
import { deployWitan, type Witan } from "../../../../harness/deploy.js";
import { temporaryFolder } from "../../../../harness/folder.js";

const GWEI = 1_000_000_000n;
/** From one review of fees to the next. */
const REVIEW_MS = 15_000;
const TIMEOUT_MS = 1e12;

describe("an account's transactions", () => {
  let witan: Witan;
  let mempool: FaultyMempool;
  let clock: TestClock;
  beforeAll(async () => {
    witan = await deployWitan({ nodes: 1 });
  });
  beforeEach(async () => {
    mempool = faultyMempool(witan.provider);
    clock = stepped();
    await rpc("evm_setAutomine", false);
    await setBase(GWEI);
    await rpc("hardhat_mine");
  });
  afterEach(async () => {
    await setBase(GWEI);
    await rpc("hardhat_mine");
    await rpc("evm_setAutomine", true);
  });

  const rpc = (method: string, ...params: unknown[]) => witan.provider.request({ method, params });
  const setBase = (wei: bigint) => rpc("hardhat_setNextBlockBaseFeePerGas", toQuantity(wei));
  const account = () => witan.operators[0]?.address ?? "";
  const nonce = async (tag: string) => Number(await rpc("eth_getTransactionCount", account(), tag));

  async function connect(
    sending: { maxFeeGwei?: number; sent?: SentTransactions; onWait?: (why?: string) => void } = {},
  ) {
    const timing = { clock, pollMs: 2, confirmTimeoutMs: TIMEOUT_MS };
    const [signer] = witan.operators;
    const chain = await createChain({ provider: mempool.provider, ...witan.deployment, signer, ...timing, sending });
    onTestFinished(() => chain.close());
    return chain;
  }
  const anchor = ({ contracts, send }: Chain, name: string) =>
    send(() => contracts.knowledge.anchor(id(name), 1, id("manifest")));
  const until = async (isSo: () => unknown, passMs = 0) => {
    while (!isSo()) {
      clock.pass(passMs);
      await systemClock.sleep(1);
    }
  };
  const arrivals = (count: number) => until(() => mempool.arrived.length >= count);
  /** Fees are reviewed until so many transactions have arrived. */
  const reviewed = (count: number) => until(() => mempool.arrived.length >= count, REVIEW_MS);
  const noncesOf = (raws: readonly string[]) => raws.map((raw) => Transaction.from(raw).nonce);
  /** Time passes until the caller is told that it was not sent, or that no block holds it. */
  async function givenUp(sending: Promise<unknown>): Promise<unknown> {
    let failure: unknown;
    sending.catch((error) => {
      failure = error;
    });
    await until(() => failure !== undefined, TIMEOUT_MS + 1);
    return failure;
  }

  it("are replaced with the same nonce when fees rise fiftyfold, and each is paid for once", async () => {
    const chain = await connect();
    const before = await nonce("latest");
    const first = anchor(chain, "spike");
    await arrivals(1);
    await setBase(50n * GWEI);
    await rpc("hardhat_mine");
    await setBase(50n * GWEI);
    expect(await nonce("latest")).toBe(before);
    await reviewed(2);
    await rpc("hardhat_mine");
    expect((await first).hash).toBe(keccak256(mempool.arrived[1] ?? ""));
    expect(noncesOf(mempool.arrived)).toEqual([before, before]);
    expect(chain.sending).toEqual({ waitsFor: undefined, unmined: [] });
  });

  it("are not sent twice by a caller that tries again after a timeout, and none waits behind another", async () => {
    const chain = await connect();
    const before = await nonce("latest");
    const first = anchor(chain, "again");
    await arrivals(1);
    await setBase(50n * GWEI);
    await rpc("hardhat_mine");
    expect(await givenUp(first)).toMatchObject({ kind: "transaction-timeout" });
    expect(chain.sending.unmined).toHaveLength(1);
    // Where the pool is the newest state, an estimate would say that the anchor exists.
    const again = anchor(chain, "again");
    const other = anchor(chain, "another");
    await setBase(GWEI);
    await rpc("hardhat_mine");
    const { blockNumber, logs } = await again;
    expect(logs).toMatchObject([{ name: "Anchored", args: { root: id("again") } }]);
    await until(() => noncesOf(mempool.arrived).includes(before + 1));
    await setBase(GWEI);
    await rpc("hardhat_mine");
    expect((await other).blockNumber).toBeGreaterThan(blockNumber);
    expect([...new Set(noncesOf(mempool.arrived))]).toEqual([before, before + 1]);
  });

  it("wait while the chain asks more than the cap, and say so once", async () => {
    const said: (string | undefined)[] = [];
    const chain = await connect({ maxFeeGwei: 40, onWait: (why) => said.push(why) });
    await setBase(50n * GWEI);
    await rpc("hardhat_mine");
    const first = anchor(chain, "dear");
    await until(() => said.length > 0);
    expect(chain.sending.waitsFor).toMatch(/^the chain asks 51 gwei for a unit of gas, above the cap of 40 gwei$/);
    expect(await givenUp(first)).toMatchObject({ kind: "fees-above-cap", retryable: true });
    expect(mempool.arrived).toEqual([]);
    const again = anchor(chain, "dear");
    await setBase(GWEI);
    await rpc("hardhat_mine");
    await reviewed(1);
    await rpc("hardhat_mine");
    expect((await again).logs).toHaveLength(1);
    expect(said).toHaveLength(2);
    expect(said[1]).toBeUndefined();
  });

  it("are on the disk before a node has them, and a process that follows a kill -9 finds its own", async () => {
    const path = join(await temporaryFolder(), "transactions.jsonl");
    let atArrival = "";
    const { request } = mempool.provider;
    const node = {
      async request(given: Parameters<typeof request>[0]) {
        if (given.method === "eth_sendRawTransaction") atArrival = await readFile(path, "utf8");
        return request(given);
      },
    };
    mempool = { ...mempool, provider: node };
    const killed = await connect({ sent: await openSentTransactions(path) });
    void anchor(killed, "killed").catch(() => undefined);
    await arrivals(1);
    const [raw = ""] = mempool.arrived;
    expect(atArrival).toContain(raw);

    killed.close();
    const next = await connect({ sent: await openSentTransactions(path) });
    const again = anchor(next, "killed");
    await arrivals(2);
    await rpc("hardhat_mine");
    expect((await again).hash).toBe(keccak256(raw));
    expect(mempool.arrived).toEqual([raw, raw]);
  });

  it.each([1, 100])(
    "are found by the process that follows a kill though they are %i blocks deep, and are not sent twice",
    async (depth) => {
      const path = join(await temporaryFolder(), "transactions.jsonl");
      const killed = await connect({ sent: await openSentTransactions(path) });
      void anchor(killed, `deep ${depth}`).catch(() => undefined);
      await arrivals(1);
      killed.close();
      await rpc("hardhat_mine", toQuantity(depth));
      const next = await connect({ sent: await openSentTransactions(path) });
      // In between others are sent.
      const other = anchor(next, `after ${depth}`);
      await arrivals(2);
      await rpc("hardhat_mine");
      await other;
      expect((await anchor(next, `deep ${depth}`)).hash).toBe(keccak256(mempool.arrived[0] ?? ""));
      expect(mempool.arrived).toHaveLength(2);
      // Its caller has been told: from now on the same call is another one, which the contract refuses.
      await expect(anchor(next, `deep ${depth}`)).rejects.toMatchObject({ errorName: "KnowledgeRegistryAnchorExists" });
    },
  );

  it("are waited for while a node indexes its transactions, and not sent again after a kill meanwhile", async () => {
    const path = join(await temporaryFolder(), "transactions.jsonl");
    const killed = await connect({ sent: await openSentTransactions(path) });
    const first = anchor(killed, "indexed");
    await arrivals(1);
    mempool.faults.isIndexing = true;
    await rpc("hardhat_mine");
    await systemClock.sleep(20);
    mempool.faults.isIndexing = false;
    expect((await first).logs).toHaveLength(1);

    void anchor(killed, "indexed later").catch(() => undefined);
    await arrivals(2);
    killed.close();
    await rpc("hardhat_mine");
    mempool.faults.isIndexing = true;
    const next = await connect({ sent: await openSentTransactions(path) });
    await expect(anchor(next, "indexed later")).rejects.toMatchObject({ kind: "rpc-behind", retryable: true });
    mempool.faults.isIndexing = false;
    expect((await anchor(next, "indexed later")).hash).toBe(keccak256(mempool.arrived[1] ?? ""));
    expect(mempool.arrived).toHaveLength(2);
  });

  it("are known to be in a block though a node has dropped its receipts", async () => {
    const path = join(await temporaryFolder(), "transactions.jsonl");
    const killed = await connect({ sent: await openSentTransactions(path) });
    void anchor(killed, "dropped").catch(() => undefined);
    await arrivals(1);
    killed.close();
    await rpc("hardhat_mine");
    const block = Number(await rpc("eth_blockNumber"));
    mempool.faults.hasDropped = (hash) => hash === keccak256(mempool.arrived[0] ?? "");
    const next = await connect({ sent: await openSentTransactions(path) });
    const again = anchor(next, "dropped");
    let failure: unknown;
    again.catch((error) => {
      failure = error;
    });
    await until(() => failure !== undefined, REVIEW_MS);
    expect(failure).toMatchObject({
      kind: "rpc-state-missing",
      message: expect.stringContaining(`Block ${block} holds`),
    });
    expect(mempool.arrived).toHaveLength(1);
    const other = anchor(next, "after dropped");
    await arrivals(2);
    await rpc("hardhat_mine");
    expect((await other).logs).toHaveLength(1);
  });

  it("that a pool has forgotten are sent again", async () => {
    const chain = await connect();
    mempool.faults.forgets = true;
    const first = anchor(chain, "forgotten");
    await arrivals(1);
    mempool.faults.forgets = false;
    await reviewed(2);
    await rpc("hardhat_mine");
    expect((await first).logs).toHaveLength(1);
    expect(new Set(mempool.arrived).size).toBe(1);
  });

  it("that a reorganisation removes are sent again before the next one", async () => {
    const chain = await connect();
    const snapshot = await rpc("evm_snapshot");
    const first = anchor(chain, "reorganised");
    await arrivals(1);
    await rpc("hardhat_mine");
    const { hash } = await first;
    await rpc("evm_revert", snapshot);
    await rpc("hardhat_mine");
    expect(await rpc("eth_getTransactionReceipt", hash)).toBeNull();
    const next = anchor(chain, "next");
    await arrivals(2);
    await rpc("hardhat_mine");
    await arrivals(3);
    await rpc("hardhat_mine");
    expect((await next).logs).toHaveLength(1);
    expect(await rpc("eth_getTransactionReceipt", hash)).toMatchObject({ status: "0x1" });
    expect(mempool.arrived[1]).toBe(mempool.arrived[0]);
  });

  it("are in no block while the receipt names none", async () => {
    const chain = await connect();
    mempool.faults.tellsNoBlock = true;
    const first = anchor(chain, "no block");
    await arrivals(1);
    await rpc("hardhat_mine");
    mempool.faults.tellsNoBlock = false;
    expect((await first).blockNumber).toBeGreaterThan(0);
  });

  it("replace what an earlier process has left, where a node does not tell what its pool holds", async () => {
    const lost = await connect();
    void anchor(lost, "lost").catch(() => undefined);
    await arrivals(1);
    lost.close();
    mempool.faults.hidesPending = true;
    const chain = await connect();
    const next = anchor(chain, "after");
    await arrivals(3);
    await rpc("hardhat_mine");
    expect((await next).logs).toMatchObject([{ args: { root: id("after") } }]);
    expect(new Set(noncesOf(mempool.arrived)).size).toBe(1);
  });

  it("that wait behind a nonce of somebody else's offer no more for it, and say what they wait for", async () => {
    const chain = await connect();
    const before = await nonce("latest");
    mempool.faults.countsAhead = 2;
    const first = anchor(chain, "behind a gap");
    await arrivals(1);
    expect(noncesOf(mempool.arrived)).toEqual([before + 2]);
    for (let block = 0; block < 8; block++) {
      await rpc("hardhat_mine");
      const arrived = mempool.arrived.length;
      await reviewed(arrived + 1);
    }
    expect(new Set(mempool.arrived).size).toBe(1);
    const reason = `nonce ${before + 2} waits for nonce ${before} of this account, which another program has to send`;
    expect(chain.sending.waitsFor).toBe(reason);
    mempool.faults.countsAhead = 0;
    // The other program sends what was missing.
    for (const missing of [before, before + 1]) {
      await witan.operators[0]
        ?.connect(chain.provider)
        .sendTransaction({ to: account(), nonce: missing, gasLimit: 21_000 });
    }
    await rpc("hardhat_mine");
    expect((await first).logs).toHaveLength(1);
    expect(chain.sending.waitsFor).toBeUndefined();
  });

  it("offer no more than the account has, if that is enough for the next block", async () => {
    const before = String(await rpc("eth_getBalance", account(), "latest"));
    onTestFinished(async () => void (await rpc("hardhat_setBalance", account(), before)));
    const chain = await connect();
    const gas = await chain.contracts.knowledge.anchor.estimateGas(id("poor"), 1, id("manifest"));
    // It would offer 3 gwei, and the next block asks 2.
    await rpc("hardhat_setBalance", account(), toQuantity((gas * 5n * GWEI) / 2n));
    const first = anchor(chain, "poor");
    await arrivals(2);
    await rpc("hardhat_mine");
    expect((await first).logs).toHaveLength(1);
    await rpc("hardhat_setBalance", account(), toQuantity(1_000n * GWEI));
    await expect(anchor(chain, "broke")).rejects.toMatchObject({ kind: "insufficient-funds" });
    expect(chain.sending.unmined).toEqual([]);
  });

  it.each([
    ["txpool is full", "transaction-timeout"],
    ["transaction underpriced", "fees-above-cap"],
    ["tx fee (1.50 ether) exceeds the configured cap (1.00 ether)", "fees-above-cap"],
    ["nonce too low", "nonce-conflict"],
    ["invalid sender", "rpc-error"],
  ])("that no node takes leave their nonce to the next one: %s", async (words, kind) => {
    const chain = await connect({ maxFeeGwei: 100 });
    mempool.faults.refuses = words;
    const first = anchor(chain, `refused ${words}`);
    await arrivals(1);
    const error = await givenUp(first);
    if (words !== "txpool is full") expect(error).toMatchObject({ kind });
    expect(chain.sending.unmined).toEqual([]);
    mempool.faults.refuses = undefined;
    const before = mempool.arrived.length;
    const next = anchor(chain, `taken ${words}`);
    await arrivals(before + 1);
    await rpc("hardhat_mine");
    expect((await next).logs).toHaveLength(1);
  });

  it("follow the tip that others pay", async () => {
    const chain = await connect();
    const first = anchor(chain, "tip");
    await arrivals(1);
    mempool.faults.tip = 20n * GWEI;
    await reviewed(2);
    await rpc("hardhat_mine");
    await first;
    expect(Transaction.from(mempool.arrived[1] ?? "").maxPriorityFeePerGas).toBe(20n * GWEI);
  });

  it("take the account's nonce where a node's pool has not seen the newest blocks", async () => {
    const chain = await connect();
    const before = await nonce("latest");
    mempool.faults.countsBehind = 1;
    const first = anchor(chain, "pool behind");
    await arrivals(1);
    await rpc("hardhat_mine");
    await first;
    expect(noncesOf(mempool.arrived)).toEqual([before]);
  });

  it.each(["status", "logs"] as const)(
    "are not told of, and do not fail, before a receipt tells their %s",
    async (field) => {
      const chain = await connect();
      mempool.faults.receiptsLack = { field, times: 3 };
      const first = anchor(chain, `without ${field}`);
      await arrivals(1);
      await rpc("hardhat_mine");
      await until(() => mempool.faults.receiptsLack === undefined);
      expect((await first).logs).toMatchObject([{ args: { root: id(`without ${field}`) } }]);
      expect(new Set(mempool.arrived).size).toBe(1);
    },
  );

  it("are sent on a chain whose blocks tell that they have no base fee", async () => {
    const chain = await connect();
    mempool.faults.base = null;
    const first = anchor(chain, "no base fee");
    await arrivals(1);
    await rpc("hardhat_mine");
    await first;
    expect(Transaction.from(mempool.arrived[0] ?? "").type).toBe(0);
  });

  it("wait for their block while a node has no newest block for a moment", async () => {
    const chain = await connect();
    const first = anchor(chain, "no newest block");
    await arrivals(1);
    mempool.faults.latestIsNull = 1;
    await until(() => mempool.faults.latestIsNull === 0, REVIEW_MS);
    await rpc("hardhat_mine");
    expect((await first).logs).toHaveLength(1);
  });

  it("offer a tip at last where a node suggests none and blocks leave them out", async () => {
    const chain = await connect();
    mempool.faults.tip = 0n;
    mempool.faults.forgets = true;
    const first = anchor(chain, "no tip");
    await arrivals(1);
    const tips = () => new Set(mempool.arrived.map((raw) => Transaction.from(raw).maxPriorityFeePerGas));
    for (let versions = 2; versions <= 3; versions++) {
      // The version is reviewed, which takes note of the block, and then left out by five.
      await reviewed(mempool.arrived.length + 1);
      await setBase(GWEI);
      await rpc("hardhat_mine", "0x6");
      await until(() => tips().size >= versions, REVIEW_MS);
    }
    // The base fee falls by an eighth with each empty block.
    const [none, second, third] = [...tips()].map(Number);
    expect([none, third]).toEqual([0, 8 * Number(second)]);
    expect(second).toBeGreaterThan(Number(GWEI) / 20);
    mempool.faults.forgets = false;
    await reviewed(mempool.arrived.length + 1);
    await rpc("hardhat_mine");
    expect((await first).logs).toHaveLength(1);
  });
});
