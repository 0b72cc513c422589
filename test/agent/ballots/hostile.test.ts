import { describe, expect, it, onTestFinished } from "vitest";
import { type Client, createClient, type NodeBallot } from "../../../src/client/index.js";
import { createChain, type Eip1193Provider } from "../../../src/ports/chain/index.js";
import type { Address } from "../../../src/records/index.js";
import { fund, operatorKey } from "../../harness/deploy.js";
import { all, createElectorate, type Electorate, patience, unhurried } from "./electorate.js";

const seven = [0, 1, 2, 3, 4, 5, 6];
const ballots = { ...all([0, 2, 4], "for"), ...all([1, 5], "against"), ...all([3, 6], "abstain") };

/** A vote on which all that vote have voted, and nobody has looked at the chain. */
async function voted() {
  const world = await createElectorate({ nodes: 7, tracks: unhurried() });
  const proposal = await world.open();
  const [first = -1, second = -1, ...others] = world.lineOf(proposal.id);
  return { world, proposal, first, second, others };
}

async function cast({ world, proposal }: Pick<Awaited<ReturnType<typeof voted>>, "world" | "proposal">) {
  await world.meet();
  await world.vote(proposal, ballots);
  await world.heard(proposal.id, 7);
}

const failures = async (world: Electorate, proposalId: string) =>
  (await world.transactions(proposalId)).filter(({ failed }) => failed);

describe("an aggregator whose duty it is", () => {
  it("is missing, and the next settles a step later", async () => {
    const { world, proposal, first, second, others } = await voted();
    await world.seat([second, ...others]);
    await world.meet();
    const without = all(
      seven.filter((index) => index !== first),
      "for",
    );
    await world.vote(proposal, without);
    await world.heard(proposal.id, 6);
    const started = Date.now();
    await world.run();
    await world.settles(proposal.id, without);
    console.info(`settled by the next in line after ${Date.now() - started} ms`);
    const [only, ...more] = await world.brought(proposal.id);
    expect(more).toEqual([]);
    expect(only?.by).not.toBe(first);
  });

  it("holds all ballots back, and the next settles a step later", async () => {
    const { world, proposal, first, second, others } = await voted();
    const holdsBack: Client["castVotes"] = () => Promise.reject(new Error("not today"));
    await world.seat([first], { client: { castVotes: holdsBack } });
    await world.seat([second, ...others]);
    await cast({ world, proposal });
    const started = Date.now();
    await world.run();
    await world.settles(proposal.id, ballots);
    console.info(`settled past an aggregator that holds back after ${Date.now() - started} ms`);
    expect(await world.brought(proposal.id)).toHaveLength(1);
  });

  it("brings only half of them, and the others bring the rest", async () => {
    const { world, proposal, first, second, others } = await voted();
    const { castVotes } = world.setting.client(first);
    const half: NodeBallot[] = [];
    const bringsHalf: Client["castVotes"] = async ({ proposalId, ballots: given }) => {
      if (half.length > 0) throw new Error("that was enough");
      half.push(...given.slice(0, 3));
      return castVotes({ proposalId, ballots: half });
    };
    await world.seat([first], { client: { castVotes: bringsHalf } });
    await world.seat([second, ...others]);
    await cast({ world, proposal });
    await world.run(first);
    await expect.poll(() => half.length, patience).toBe(3);
    await world.run();
    await world.settles(proposal.id, ballots);
    expect(await world.brought(proposal.id)).toMatchObject([{ by: first }, { method: "castVotesByAggregate" }]);
  });

  it("spoils what it brings, which costs it and nobody else", async () => {
    const { world, proposal, first, second, others } = await voted();
    const { castVotes } = world.setting.client(first);
    const spoils: Client["castVotes"] = ({ proposalId, ballots: given }) => {
      const [one, other] = given;
      if (one === undefined || other === undefined) throw new Error("nothing to spoil");
      return castVotes({ proposalId, ballots: [{ ...one, signature: other.signature }, ...given.slice(2)] });
    };
    await world.seat([first], { client: { castVotes: spoils } });
    await world.seat([second, ...others]);
    await cast({ world, proposal });
    await world.run();
    await world.settles(proposal.id, ballots);
    expect((await failures(world, proposal.id)).filter(({ by }) => by !== first)).toEqual([]);
  });
});

describe("a pause in which nobody could look at the chain", () => {
  it("does not bring all nodes to it at once", async () => {
    const { world, proposal, first, second, others } = await voted();
    const holdsBack: Client["castVotes"] = () => Promise.reject(new Error("not today"));
    await world.seat([first], { client: { castVotes: holdsBack } });
    await world.seat([second, ...others]);
    await cast({ world, proposal });
    const look = () => Promise.all(seven.map((index) => world.seatOf(index).look()));
    await look();
    world.pass(3_600_000);
    await look();
    await world.settles(proposal.id, ballots);
    const senders = (await world.transactions(proposal.id)).map(({ by }) => by);
    expect(senders.filter((by) => by !== second && by !== others[0])).toEqual([]);
  });
});

describe("somebody who runs ahead of the aggregators with smaller aggregates", () => {
  it("between their look and their transaction, each time: all that it costs is a moment", async () => {
    const { world, proposal, first, second, others } = await voted();
    const { setting } = world;
    const stranger = operatorKey("in a hurry");
    await fund(setting.witan.provider, stranger.address as Address);
    const ahead = await setting.connect(stranger);
    const known = await Promise.all(
      Object.entries(ballots).map(([index, support]) => world.sign(proposal.id, Number(index), support)),
    );
    const overtaken: Client["castVotes"] = async (parameters) => {
      const ballot = known.shift();
      if (ballot !== undefined) await ahead.castVotes({ proposalId: proposal.id, ballots: [ballot] });
      return setting.client(first).castVotes(parameters);
    };
    await world.seat([first], { client: { castVotes: overtaken } });
    await world.seat([second, ...others]);
    await cast({ world, proposal });
    // Alone, so that it fails by nobody else.
    await world.run(first);
    await world.settles(proposal.id, ballots);
    expect((await world.transactions(proposal.id)).filter(({ failed }) => failed)).toEqual([]);
    expect(known).toEqual([]);
  });

  it("after they have asked what it costs: one transaction fails, and the decision stands", async () => {
    const { world, proposal, first, second, others } = await voted();
    const { witan } = world.setting;
    const one = await world.sign(proposal.id, 0, "for");
    let overtakes = true;
    const provider: Eip1193Provider = {
      async request(request) {
        if (overtakes && request.method === "eth_sendRawTransaction") {
          overtakes = false;
          await world.setting.client(second).castVotes({ proposalId: proposal.id, ballots: [one] });
        }
        return witan.provider.request(request);
      },
    };
    const chain = await createChain({ provider, ...witan.deployment, signer: witan.operators[first], pollMs: 5 });
    onTestFinished(() => chain.close());
    await world.seat([first], { client: createClient({ chain, content: world.setting.content }) });
    await world.seat([second, ...others]);
    await cast({ world, proposal });
    await world.run(first);
    await expect.poll(() => overtakes, patience).toBe(false);
    await world.run();
    await world.settles(proposal.id, ballots);
    expect(await failures(world, proposal.id)).toEqual([{ by: first, method: "castVotesByAggregate", failed: true }]);
  });
});
