import type { Wallet } from "ethers";
import { type Client, createClient } from "../../src/client/index.js";
import { type Chain, createChain, isRevert } from "../../src/ports/chain/index.js";
import { type ContentStore, createMemoryContent } from "../../src/ports/content/index.js";
import type { Incident, Order } from "../../src/records/index.js";
import { type DeployWitanOptions, deployWitan, type Witan } from "../fixtures/deploy.js";

export { stateOf } from "../fixtures/states.js";

/** A DAO, the content that its nodes share, and one client for each of them. */
export interface Setting {
  readonly witan: Witan;
  readonly content: ContentStore;
  readonly clients: readonly Client[];
  /** The client of the node `index`. */
  client(index?: number): Client;
  /** A client for another account, or for nobody. */
  connect(signer?: Wallet, content?: ContentStore): Promise<Client>;
  /** Has all nodes vote for, until the proposal passes by the fast path or at its deadline. */
  pass(proposalId: string): Promise<void>;
  /** Passes, queues and executes; gives the directive's id. */
  carryOut(proposalId: string): Promise<`0x${string}`>;
  close(): void;
}

export async function createSetting(options: DeployWitanOptions = {}): Promise<Setting> {
  const witan = await deployWitan(options);
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
        // Removed since: it has no vote, and the others go on.
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

export const restart: Order = { kind: "Restart", replica: "web/3", instance: "web-3/1" };

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

/** What an attempt was refused with. */
export async function failureOf(attempt: Promise<unknown>) {
  return attempt.then(
    () => Promise.reject(new Error("nothing was refused")),
    (error) => error,
  );
}
