import { describe, expect, it, onTestFinished } from "vitest";
import { encodeBallot } from "../../../src/agent/ballots/message.js";
import { type Client, createClient, type NodeBallot } from "../../../src/client/index.js";
import { createChain, type Eip1193Provider } from "../../../src/ports/chain/index.js";
import { createGossip } from "../../../src/ports/gossip/index.js";
import type { Address } from "../../../src/records/index.js";
import { fund, operatorKey } from "../../harness/deploy.js";
import { all } from "../../harness/mesh.js";
import { patience } from "../../harness/patience.js";
import { startNode } from "../../ports/content/contentNodes.js";
import { type BallotMesh, createBallotMesh, slowTracks } from "./ballotMesh.js";

const seven = [0, 1, 2, 3, 4, 5, 6];
const ballots = { ...all([0, 2, 4], "for"), ...all([1, 5], "against"), ...all([3, 6], "abstain") };

/** A proposal that is open, before any node is started. */
async function opened() {
  const mesh = await createBallotMesh({ nodes: 7, tracks: slowTracks() });
  const proposal = await mesh.propose();
  const [first = -1, second = -1, ...others] = mesh.settlersOf(proposal.id);
  return { mesh, proposal, first, second, others };
}

async function cast({ mesh, proposal }: Pick<Awaited<ReturnType<typeof opened>>, "mesh" | "proposal">) {
  await mesh.updateMembers();
  await mesh.vote(proposal, ballots);
  await mesh.waitForBallots(proposal.id, 7);
}

const failures = async (mesh: BallotMesh, proposalId: string) =>
  (await mesh.transactions(proposalId)).filter(({ failed }) => failed);

describe("an aggregator whose duty it is", () => {
  it("is missing, and the next settles a step later", async () => {
    const { mesh, proposal, first, second, others } = await opened();
    await mesh.start([second, ...others]);
    await mesh.updateMembers();
    const without = all(
      seven.filter((index) => index !== first),
      "for",
    );
    await mesh.vote(proposal, without);
    await mesh.waitForBallots(proposal.id, 6);
    const started = Date.now();
    await mesh.run();
    await mesh.waitForTally(proposal.id, without);
    console.info(`settled by the next in line after ${Date.now() - started} ms`);
    const [only, ...more] = await mesh.settlements(proposal.id);
    expect(more).toEqual([]);
    expect(only?.by).not.toBe(first);
  });

  it("holds all ballots back, and the next settles a step later", async () => {
    const { mesh, proposal, first, second, others } = await opened();
    const holdsBack: Client["castVotes"] = () => Promise.reject(new Error("not today"));
    await mesh.start([first], { client: { castVotes: holdsBack } });
    await mesh.start([second, ...others]);
    await cast({ mesh, proposal });
    const started = Date.now();
    await mesh.run();
    await mesh.waitForTally(proposal.id, ballots);
    console.info(`settled past an aggregator that holds back after ${Date.now() - started} ms`);
    expect(await mesh.settlements(proposal.id)).toHaveLength(1);
  });

  it("brings only half of them, and the others bring the rest", async () => {
    const { mesh, proposal, first, second, others } = await opened();
    const { castVotes } = mesh.dao.client(first);
    const half: NodeBallot[] = [];
    const bringsHalf: Client["castVotes"] = async ({ proposalId, ballots: given }) => {
      if (half.length > 0) throw new Error("that was enough");
      half.push(...given.slice(0, 3));
      return castVotes({ proposalId, ballots: half });
    };
    await mesh.start([first], { client: { castVotes: bringsHalf } });
    await mesh.start([second, ...others]);
    await cast({ mesh, proposal });
    await mesh.run(first);
    await expect.poll(() => half.length, patience).toBe(3);
    await mesh.run();
    await mesh.waitForTally(proposal.id, ballots);
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ by: first }, { method: "castVotesByAggregate" }]);
  });

  it("spoils what it brings, which costs it and nobody else", async () => {
    const { mesh, proposal, first, second, others } = await opened();
    const { castVotes } = mesh.dao.client(first);
    const spoils: Client["castVotes"] = ({ proposalId, ballots: given }) => {
      const [one, other] = given;
      if (one === undefined || other === undefined) throw new Error("nothing to spoil");
      return castVotes({ proposalId, ballots: [{ ...one, signature: other.signature }, ...given.slice(2)] });
    };
    await mesh.start([first], { client: { castVotes: spoils } });
    await mesh.start([second, ...others]);
    await cast({ mesh, proposal });
    await mesh.run();
    await mesh.waitForTally(proposal.id, ballots);
    expect((await failures(mesh, proposal.id)).filter(({ by }) => by !== first)).toEqual([]);
  });
});

describe("a pause in which no node could read the chain", () => {
  it("does not bring all nodes to it at once", async () => {
    const { mesh, proposal, first, second, others } = await opened();
    const holdsBack: Client["castVotes"] = () => Promise.reject(new Error("not today"));
    await mesh.start([first], { client: { castVotes: holdsBack } });
    await mesh.start([second, ...others]);
    await cast({ mesh, proposal });
    await mesh.update();
    mesh.clock.pass(3_600_000);
    await mesh.update();
    await mesh.waitForTally(proposal.id, ballots);
    const sent = await mesh.transactions(proposal.id);
    expect(sent.filter(({ by }) => by !== second && by !== others[0])).toEqual([]);
  });
});

describe("somebody who runs ahead of the aggregators with smaller aggregates", () => {
  it("between their look and their transaction: the rest of the ballots count, and nothing fails", async () => {
    const { mesh, proposal, first, second, others } = await opened();
    const { dao } = mesh;
    const stranger = operatorKey("in a hurry");
    await fund(dao.witan.provider, stranger.address as Address);
    const ahead = await dao.connect(stranger);
    const known = await Promise.all(
      Object.entries(ballots).map(([index, support]) => mesh.sign(proposal.id, Number(index), support)),
    );
    const overtaken: Client["castVotes"] = async (parameters) => {
      await ahead.castVotes({ proposalId: proposal.id, ballots: known.splice(0, 3) });
      return dao.client(first).castVotes(parameters);
    };
    await mesh.start([first], { client: { castVotes: overtaken } });
    await mesh.start([second, ...others]);
    await cast({ mesh, proposal });
    // Alone, so that it fails by nobody else.
    await mesh.run(first);
    await mesh.waitForTally(proposal.id, ballots);
    expect(await failures(mesh, proposal.id)).toEqual([]);
    // One transaction of the stranger's and one of the node's: the whole of what it had is verified, the rest is counted.
    expect(await mesh.transactions(proposal.id)).toHaveLength(2);
    expect(known).toHaveLength(4);
  });

  it("after they have asked what it costs: the transaction that is on its way counts the rest", async () => {
    const { mesh, proposal, first, second, others } = await opened();
    const { witan } = mesh.dao;
    const one = await mesh.sign(proposal.id, 0, "for");
    let overtakes = true;
    const provider: Eip1193Provider = {
      async request(request) {
        if (overtakes && request.method === "eth_sendRawTransaction") {
          overtakes = false;
          await mesh.dao.client(second).castVotes({ proposalId: proposal.id, ballots: [one] });
        }
        return witan.provider.request(request);
      },
    };
    const chain = await createChain({ provider, ...witan.deployment, signer: witan.operators[first], pollMs: 5 });
    onTestFinished(() => chain.close());
    await mesh.start([first], { client: createClient({ chain, content: mesh.dao.content }) });
    await mesh.start([second, ...others]);
    await cast({ mesh, proposal });
    await mesh.run(first);
    await expect.poll(() => overtakes, patience).toBe(false);
    await mesh.run();
    await mesh.waitForTally(proposal.id, ballots);
    expect(await mesh.transactions(proposal.id)).toEqual([
      { by: second, method: "castVotesByAggregate", failed: false },
      { by: first, method: "castVotesByAggregate", failed: false },
    ]);
  });
});

describe("a node among others on a network", () => {
  it("cuts off the peer that sends bad ballots, and accepts those of the others", async () => {
    const content = await startNode();
    const [liar, honest] = [
      await startNode({ peers: content.multiaddrs() }),
      await startNode({ peers: content.multiaddrs() }),
    ];
    const mesh = await createBallotMesh({ tracks: slowTracks() });
    await mesh.start([0], { gossip: createGossip(content), refusePeer: (...refused) => content.refuse(...refused) });
    await mesh.updateMembers();
    const { exchange } = mesh.node(0);
    const { id } = await mesh.propose();
    const listeners = () => [liar, honest].map(({ pubsub }) => pubsub.getSubscribers(exchange.topic).length);
    await expect.poll(listeners, patience).toEqual([1, 1]);
    const send = ({ pubsub }: typeof content, ballot: NodeBallot) =>
      createGossip({ pubsub }).publish(exchange.topic, encodeBallot(ballot));

    const stolen = await mesh.sign(id, 3, "for", mesh.dao.witan.blsKeys[4]);
    for (let n = 0; n < 10; n++) await send(liar, stolen);
    await send(liar, await mesh.sign(id, 1, "for"));
    await mesh.waitForBallots(id, 1);
    expect(content.connections()).toBe(2);

    // Some are forgiven meanwhile.
    for (let n = 0; n < 16; n++) await send(liar, stolen);
    await expect.poll(() => [content, liar, honest].map((each) => each.connections()), patience).toEqual([1, 0, 1]);
    await send(honest, await mesh.sign(id, 2, "for"));
    await mesh.waitForBallots(id, 2);
    expect(mesh.logs.filter(({ level }) => level === "warn")).toMatchObject([
      { message: "a peer sends bad ballots and is cut off", peer: liar.peerId },
    ]);
  });
});
