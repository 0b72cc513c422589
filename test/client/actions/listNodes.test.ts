import { describe, expect, it } from "vitest";
import { type Client, createClient } from "../../../src/client/index.js";
import { createMembership } from "../../../src/client/nodes/membership.js";
import { type Chain, createChain, peerIdText } from "../../../src/ports/chain/index.js";
import { blsPublicKey } from "../../../src/ports/keys/index.js";
import type { Address } from "../../../src/records/index.js";
import { useChangingDao } from "../../harness/client/daos.js";
import { ban, issue, rotate } from "../../harness/client/directives.js";
import { admissionOf, blsKey, operatorKey } from "../../harness/deploy.js";

const newcomer = operatorKey("newcomer");

describe("the nodes", () => {
  const dao = useChangingDao(5);

  const contextOf = () => {
    const { chainId, contracts } = dao.witan.deployment;
    return { chainId, registry: contracts.NodeRegistry };
  };

  async function admit(): Promise<void> {
    const admissions = [admissionOf(contextOf(), newcomer, blsKey("newcomer"))];
    await issue(dao, { order: { kind: "Admit", operators: [newcomer.address as Address] }, admissions });
  }

  /** The same answer, from the contract alone. */
  async function nodesByContract(): Promise<object[]> {
    const { nodes } = dao.client().chain.contracts;
    const epoch = await nodes.epoch();
    const { indexBound } = await nodes.committee(epoch);
    const admitted = await dao.client().chain.events({ names: ["NodeAdmitted", "AgentSet"] });
    const peers = new Map(
      admitted.map(({ args }) => [Number("index" in args ? args.index : args.newIndex), peerIdText(args.peerId)]),
    );
    return Promise.all(
      Array.from({ length: Number(indexBound) }, async (_, index) => {
        const { operator, agent, admittedAt, removedAt, predecessor } = await nodes.node(index);
        return {
          index,
          operator,
          formerOperators: [],
          agent,
          peerId: peers.get(index),
          key: await nodes.keyOf(index),
          admittedAt: Number(admittedAt),
          removedAt: removedAt === 0n ? null : Number(removedAt),
          predecessor: predecessor === 0n ? null : Number(predecessor) - 1,
          active: await nodes.isIndexMember(index, epoch),
          suspended: false,
        };
      }),
    );
  }

  it("are as the contract has them, through admissions, removals and rotations", async () => {
    const reader = dao.client(4);
    const agree = async () => {
      const all = await reader.listNodes({ includeRemoved: true });
      expect(all).toEqual(await nodesByContract());
      expect(await reader.listNodes()).toEqual(all.filter(({ active }) => active));
      return all;
    };
    expect(await agree()).toHaveLength(5);
    await admit();
    expect(await agree()).toHaveLength(6);
    await ban(dao, 1);
    await agree();
    await rotate(dao, 0, "rotated");
    await agree();
    await rotate(dao, 0, "rotated again");
    await agree();
    await dao.client(2).revokeAgent();
    const all = await agree();
    expect(all.map(({ active }) => active)).toEqual([false, false, false, true, true, true, false, true]);
    expect(all[7]).toMatchObject({ operator: dao.client(0).account, predecessor: 6 });

    // One that comes later reads the same.
    expect(await (await dao.connect()).listNodes({ includeRemoved: true })).toEqual(all);
  });

  it("are read once: no contract is asked", async () => {
    const asked: string[] = [];
    const count = (method: string) => asked.filter((each) => each === method).length;
    const client = await countingClient(asked);
    asked.length = 0;
    await client.listNodes();
    expect(count("eth_call")).toBe(0);
    await rotate(dao, 0, "rotated");
    await admit();
    const all = await client.listNodes({ includeRemoved: true });
    expect(count("eth_call")).toBe(0);

    asked.length = 0;
    expect(await client.listNodes({ includeRemoved: true })).toEqual(all);
    await dao.witan.mine(3);
    expect(await client.listNodes({ includeRemoved: true })).toEqual(all);
    expect(new Set(asked)).toEqual(new Set(["eth_blockNumber", "eth_getLogs"]));
    client.chain.close();
  });

  it("have the keys of the chain as it is after a reorganisation", async () => {
    const keyOf = async () => (await dao.client(3).listNodes()).find(({ index }) => index === 5)?.key;
    const back = await dao.witan.snapshot();
    await rotate(dao, 0, "in a block that is dropped");
    expect(await keyOf()).toBe(await dao.client().chain.contracts.nodes.keyOf(5));
    await back();
    expect(await keyOf()).toBeUndefined();
    await rotate(dao, 0, "in its place");
    expect(await keyOf()).toBe(await dao.client().chain.contracts.nodes.keyOf(5));
    expect(await keyOf()).toBe(blsPublicKey(blsKey("in its place")));
  });

  it("are not forgotten, however many there are", async () => {
    const count = 20_001;
    const event = (name: string, index: number, args: object) => ({
      name,
      args,
      blockNumber: 1,
      blockHash: "0x01",
      logIndex: index,
    });
    const admitted = Array.from({ length: count }, (_, index) =>
      event("NodeAdmitted", index, {
        index: BigInt(index),
        operator: `0x${index}`,
        agent: `0x${index}`,
        epoch: 1n,
        key: "0x",
        peerId: "0x01",
      }),
    );
    // Only its events matter; the real chain is used in every other test.
    const chain = {
      deployedAtBlock: 1,
      blockNumber: async () => 1,
      events: async () => [...admitted, event("EpochOpened", count, { epoch: 1n })],
    } as unknown as Chain;
    const nodes = await createMembership(chain).read();
    expect(nodes).toHaveLength(count);
    expect(nodes[0]).toMatchObject({ index: 0, active: true });
  });

  /** A client that notes the method of each request. */
  async function countingClient(asked: string[]): Promise<Client> {
    const { provider, deployment } = dao.witan;
    const counting = {
      request: (request: Parameters<typeof provider.request>[0]) => {
        asked.push(request.method);
        return provider.request(request);
      },
    };
    const chain = await createChain({ provider: counting, ...deployment, pollMs: 5 });
    return createClient({ chain, content: dao.content });
  }
});
