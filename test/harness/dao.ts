import type { Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { type Client, createClient } from "../../src/client/index.js";
import { type Chain, createChain, isRevert } from "../../src/ports/chain/index.js";
import { type ContentStore, createMemoryContent } from "../../src/ports/content/index.js";
import { type Incident, type Order, WINDOW_SECONDS } from "../../src/records/index.js";
import { type DeployWitanOptions, deployWitan, type Witan } from "./deploy.js";

export { stateOf } from "./records.js";

/** A DAO, the content that its nodes share, and one client for each of them. */
export interface TestDao {
  readonly witan: Witan;
  readonly content: ContentStore;
  readonly clients: readonly Client[];
  /** The client of the node `index`. */
  client(index?: number): Client;
  /** A client for another account, or without an account. */
  connect(signer?: Wallet, content?: ContentStore): Promise<Client>;
  /** Has all nodes vote For until the proposal passes by the fast path, or at its deadline. */
  pass(proposalId: string): Promise<void>;
  /** Passes, queues and executes the proposal; returns the directive's id. */
  carryOut(proposalId: string): Promise<`0x${string}`>;
  close(): void;
}

export async function createTestDao(options: DeployWitanOptions = {}): Promise<TestDao> {
  const witan = await deployWitan(options);
  await beginWindow(witan);
  const content = createMemoryContent();
  const chains: Chain[] = [];
  const connect = async (signer?: Wallet, its = content) => {
    const chain = await createChain({ provider: witan.provider, ...witan.deployment, signer, pollMs: 5 });
    chains.push(chain);
    return createClient({ chain, content: its });
  };
  const clients = await Promise.all(witan.operators.map((operator) => connect(operator)));
  const client = (index = 0) => {
    const found = clients[index];
    if (found === undefined) throw new Error(`there is no node ${index}`);
    return found;
  };

  async function pass(proposalId: string): Promise<void> {
    const { start } = await client().getProposal({ proposalId });
    await witan.increaseTime(Math.max(1, start - (await client().chain.now()) + 1));
    for (const voter of clients) {
      if ((await client().getProposal({ proposalId })).state !== "Active") break;
      await voter.castVote({ proposalId, support: "for" }).catch((error) => {
        // A node that was removed since has no vote; the others go on.
        if (!isRevert(error, "GovernorNotMember")) throw error;
      });
    }
    const { state, deadline } = await client().getProposal({ proposalId });
    if (state === "Active") await witan.increaseTime(deadline - (await client().chain.now()) + 1);
  }

  return {
    witan,
    content,
    clients,
    client,
    connect,
    pass,
    async carryOut(proposalId) {
      await pass(proposalId);
      const { eta } = await client().queueProposal({ proposalId });
      await witan.increaseTime(Math.max(1, eta - (await client().chain.now())));
      const { directiveId } = await client().executeProposal({ proposalId });
      if (directiveId === null) throw new Error("the proposal issues no directive");
      return directiveId;
    },
    close() {
      for (const chain of chains) chain.close();
    },
  };
}

/** No test begins near the end of a window, after which the proposal of an order of the emergency track is another. */
export async function beginWindow({ increaseTime, provider }: Witan): Promise<void> {
  const block = await provider.request({ method: "eth_getBlockByNumber", params: ["latest", false] });
  const now = Number((block as { readonly timestamp: string }).timestamp);
  await increaseTime(WINDOW_SECONDS - (now % WINDOW_SECONDS));
}

/**
 * One DAO for all tests of a file or a `describe`: deployed before the first, brought back to that state after each, closed
 * after the last. Usable within tests and hooks alone.
 */
export function useTestDao(options: DeployWitanOptions = {}): TestDao {
  let dao: TestDao | undefined;
  let restore: () => Promise<void> = async () => undefined;
  beforeAll(async () => {
    dao = await createTestDao(options);
  });
  beforeEach(async () => {
    restore = (await dao?.witan.snapshot()) ?? restore;
  });
  afterEach(() => restore());
  afterAll(() => dao?.close());
  return new Proxy({} as TestDao, {
    get(_, name) {
      if (dao === undefined)
        throw new Error("the DAO is deployed before the first test, not while tests are collected");
      return Reflect.get(dao, name);
    },
  });
}

export const restartOrder: Order = { kind: "Restart", replica: "web/3", instance: "web-3/1" };

export function incidentOf(subject: string): Incident {
  return {
    schema: "witan/incident/1",
    kind: "replica-down",
    severity: "high",
    subject,
    observed: { exit: "SIGKILL" },
    detection: { probe: "process" },
    resolution: null,
  };
}

/** The error that an attempt was rejected with. */
export async function failureOf(attempt: Promise<unknown>) {
  return attempt.then(
    () => Promise.reject(new Error("nothing was refused")),
    (error) => error,
  );
}
