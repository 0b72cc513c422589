import { describe, expect, it, onTestFinished } from "vitest";
import { createClient } from "../../../src/client/index.js";
import { ChainError, createChain, type Eip1193Provider } from "../../../src/ports/chain/index.js";
import { all, createElectorate, unhurried } from "./electorate.js";

/** A node on a chain connection of its own, which counts how often it asks who has voted and can be broken. */
async function withReader() {
  const world = await createElectorate({ nodes: 3, tracks: unhurried() });
  const { setting } = world;
  const { witan } = setting;
  const { selector } = setting.client().chain.contracts.governor.votedBits.fragment;
  const line = { broken: false, reads: 0 };
  const provider: Eip1193Provider = {
    request(request) {
      const [call] = (request.params ?? []) as { data?: string }[];
      if (request.method === "eth_call" && call?.data?.startsWith(selector)) {
        line.reads += 1;
        if (line.broken) return Promise.reject(new ChainError("rpc-unreachable", "The line is broken."));
      }
      return witan.provider.request(request);
    },
  };
  const chain = await createChain({ provider, ...witan.deployment, signer: witan.operators[0], pollMs: 5 });
  onTestFinished(() => chain.close());
  const proposal = await world.open();
  await world.seat([0], { client: createClient({ chain, content: setting.content }) });
  await world.seatOf(0).look();
  return { world, line, needs: () => world.seatOf(0).exchange.needs(proposal, world.operatorOf(0)) };
}

describe("who has voted", () => {
  it("is read again after a reorganisation, and what it took back is settled once more", async () => {
    const world = await createElectorate({ nodes: 3, tracks: unhurried() });
    const proposal = await world.open();
    const [first = -1, second = -1, third = -1] = world.lineOf(proposal.id);
    await world.seat([first]);
    await world.meet();
    const ballots = [await world.sign(proposal.id, second, "for"), await world.sign(proposal.id, third, "for")];
    await world.say(second, ...ballots);
    await world.heard(proposal.id, 2);
    const back = await world.setting.witan.snapshot();
    await world.setting.client(second).castVotes({ proposalId: proposal.id, ballots });
    await world.seatOf(first).look();
    expect(await world.brought(proposal.id)).toMatchObject([{ by: second }]);

    await back();
    expect(await world.counted(proposal.id)).toEqual({});
    await world.seatOf(first).look();
    await world.settles(proposal.id, all([second, third], "for"));
    expect(await world.brought(proposal.id)).toMatchObject([{ by: first }]);
  });

  it("is read once between two looks, however many ask", async () => {
    const { world, line, needs } = await withReader();
    const before = line.reads;
    expect(await Promise.all(Array.from({ length: 10 }, needs))).toEqual(Array(10).fill(true));
    expect(line.reads - before).toBe(1);
    await world.seatOf(0).look();
    await needs();
    expect(line.reads - before).toBe(2);
  });

  it("is asked again where the chain did not answer", async () => {
    const { line, needs } = await withReader();
    line.broken = true;
    await expect(needs()).rejects.toThrow("The line is broken.");
    line.broken = false;
    expect(await needs()).toBe(true);
  });
});
