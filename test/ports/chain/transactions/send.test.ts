import { id, toBeHex, ZeroHash } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type Chain,
  ContractRevertError,
  type CreateChainParameters,
  createChain,
} from "../../../../src/ports/chain/index.js";
import { TestClock } from "../../../harness/clock.js";
import { deployWitan, operatorKey, type Witan } from "../../../harness/deploy.js";

describe("chain.send", () => {
  let witan: Witan;
  let chain: Chain;
  const open: Chain[] = [];
  beforeAll(async () => {
    witan = await deployWitan({ nodes: 2 });
  });
  beforeEach(async () => {
    chain = await connect(witan.operators[0]);
  });
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });
  afterAll(() => rpc("evm_setAutomine", true));

  async function connect(
    signer = witan.operators[0],
    confirmTimeoutMs = 20_000,
    more: Partial<CreateChainParameters> = {},
  ): Promise<Chain> {
    const { provider, deployment } = witan;
    const one = await createChain({ provider, ...deployment, signer, pollMs: 5, confirmTimeoutMs, ...more });
    open.push(one);
    return one;
  }
  const rpc = (method: string, ...params: unknown[]) => witan.provider.request({ method, params });
  const failureOf = (attempt: Promise<unknown>) =>
    attempt.then(
      () => expect.fail("it worked"),
      (error) => error,
    );
  const anchor = (one: Chain, name: string) =>
    one.send(() => one.contracts.knowledge.anchor(id(name), 1, id("manifest")));

  it("waits for the block and tells what it cost and what happened", async () => {
    const receipt = await anchor(chain, "first");
    expect(receipt.hash).toMatch(/^0x[0-9a-f]{64}$/);
    expect(receipt.blockNumber).toBe(await chain.blockNumber());
    expect(receipt.gasUsed).toBeGreaterThan(21_000n);
    expect(receipt.logs).toMatchObject([
      {
        contract: "KnowledgeRegistry",
        name: "Anchored",
        args: { author: chain.account, root: id("first"), sequence: 1n },
      },
    ]);
  });

  it("sends many transactions of one account at once, also through several connections", async () => {
    const other = await connect();
    const names = Array.from({ length: 12 }, (_, i) => `many ${i}`);
    const receipts = await Promise.all(names.map((name, i) => anchor(i % 2 ? chain : other, name)));
    expect(new Set(receipts.map((receipt) => receipt.hash)).size).toBe(names.length);
  });

  it("goes on after a transaction that failed", async () => {
    const attempts = await Promise.allSettled([anchor(chain, "one"), anchor(chain, "one"), anchor(chain, "two")]);
    expect(attempts.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("names a contract's refusal with its arguments, before anything is sent", async () => {
    await anchor(chain, "again");
    const error = await failureOf(anchor(chain, "again"));
    expect(error).toBeInstanceOf(ContractRevertError);
    expect(error).toMatchObject({
      code: "contract-revert",
      errorName: "KnowledgeRegistryAnchorExists",
      contract: "KnowledgeRegistry",
      args: { author: chain.account, root: id("again") },
      retryable: false,
    });
    expect(error.shortMessage).toBe(
      `KnowledgeRegistry refused: KnowledgeRegistryAnchorExists(author ${chain.account}, root ${id("again")}).`,
    );
  });

  it("names the reason of a transaction that was mined and failed", async () => {
    await rpc("evm_setAutomine", false);
    const { knowledge } = chain.contracts;
    const first = await knowledge.anchor(id("raced"), 1, id("manifest"), { gasLimit: 200_000 });
    const second = failureOf(
      chain.send(() => knowledge.anchor(id("raced"), 1, id("manifest"), { gasLimit: 200_000, nonce: first.nonce + 1 })),
    );
    await pendingTransactions(2);
    await witan.mine();
    await rpc("evm_setAutomine", true);
    const error = await second;
    expect(error).toMatchObject({ errorName: "KnowledgeRegistryAnchorExists", args: { root: id("raced") } });
    expect(error.transactionHash).toMatch(/^0x/);
  });

  it("says that a transaction ran out of gas", async () => {
    await rpc("evm_setAutomine", false);
    const { knowledge } = chain.contracts;
    const failure = failureOf(chain.send(() => knowledge.anchor(id("dear"), 1, id("manifest"), { gasLimit: 30_000 })));
    await pendingTransactions(1);
    await witan.mine();
    await rpc("evm_setAutomine", true);
    expect(await failure).toBeInstanceOf(ContractRevertError);
  });

  it("gives up waiting for a block, and says that the transaction may still be mined", async () => {
    await rpc("evm_setAutomine", false);
    const impatient = await connect(witan.operators[0], 50);
    const error = await failureOf(anchor(impatient, "late"));
    expect(error).toMatchObject({ kind: "transaction-timeout", retryable: true });
    await witan.mine();
    await rpc("evm_setAutomine", true);
    expect(await failureOf(anchor(chain, "late"))).toMatchObject({ errorName: "KnowledgeRegistryAnchorExists" });
  });

  it.each([-1, 1])("waits for the block as long as before when the wall clock is stepped by %d h", async (hours) => {
    const clock = new TestClock();
    const stepped = await connect(witan.operators[0], 60_000, { clock });
    await rpc("evm_setAutomine", false);
    const sending = anchor(stepped, `stepped ${hours}`);
    await pendingTransactions(1);
    clock.stepWall(hours * 3_600_000);
    await stepped.blockNumber();
    await witan.mine();
    expect((await sending).logs).toHaveLength(1);

    const late = failureOf(anchor(stepped, `late ${hours}`));
    await pendingTransactions(1);
    clock.stepWall(hours * -3_600_000);
    // It may be about to wait only now: a few minutes are enough for that, and far from an hour.
    let ended = false;
    void late.then(() => {
      ended = true;
    });
    for (let minutes = 0; !ended && minutes < 10; minutes++) {
      clock.pass(60_000);
      await stepped.blockNumber();
    }
    expect(await late).toMatchObject({ kind: "transaction-timeout" });
    await witan.mine();
    await rpc("evm_setAutomine", true);
  });

  it("cannot send without a signer", async () => {
    const reader = await createChain({ provider: witan.provider, ...witan.deployment });
    open.push(reader);
    expect(await failureOf(anchor(reader, "nobody"))).toMatchObject({ kind: "read-only", retryable: false });
  });

  it("says that an account has no money", async () => {
    const poor = await connect(operatorKey("poor"));
    const error = await failureOf(poor.send(() => poor.contracts.governor.castVote(1, 1, { gasLimit: 100_000 })));
    expect(error).toMatchObject({ kind: "insufficient-funds", retryable: false });
  });

  it("says that another transaction took the nonce", async () => {
    const { knowledge } = chain.contracts;
    const error = await failureOf(chain.send(() => knowledge.anchor(id("stale"), 1, id("manifest"), { nonce: 0 })));
    expect(error).toMatchObject({ kind: "nonce-conflict", retryable: true });
  });

  it("names refusals of OpenZeppelin's parts, of the timelock and of the compiler", async () => {
    const { governor, timelock, nodes } = chain.contracts;
    expect(await failureOf(chain.read(() => governor.state(42)))).toMatchObject({
      errorName: "GovernorNonexistentProposal",
      args: { proposalId: 42n },
      contract: "NodeGovernor",
    });
    const role = await timelock.DEFAULT_ADMIN_ROLE();
    expect(await failureOf(chain.send(() => timelock.grantRole(role, nodes)))).toMatchObject({
      errorName: "AccessControlUnauthorizedAccount",
      args: { account: chain.account, neededRole: ZeroHash },
    });
    expect(await failureOf(chain.read(() => governor.trackRules(9)))).toMatchObject({ contract: "The contract" });
  });

  async function pendingTransactions(count: number): Promise<void> {
    for (;;) {
      const { transactions } = (await rpc("eth_getBlockByNumber", "pending", false)) as { transactions: unknown[] };
      const pool = await rpc("eth_pendingTransactions");
      if (transactions.length >= count || (pool as unknown[]).length >= count) return;
      await rpc("hardhat_setBalance", operatorKey("tick").address, toBeHex(1));
    }
  }
});
