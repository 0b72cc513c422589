import { describe, expect, it, onTestFinished } from "vitest";
import { createClient } from "../../../src/client/index.js";
import { ChainError, createChain, type Eip1193Provider } from "../../../src/ports/chain/index.js";
import { all } from "../../harness/mesh.js";
import { createBallotMesh, slowTracks } from "./ballotMesh.js";

/** A node on a chain connection of its own, which counts how often it asks who has voted and can be broken. */
async function withReader() {
  const mesh = await createBallotMesh({ nodes: 3, tracks: slowTracks() });
  const { dao } = mesh;
  const { witan } = dao;
  const { selector } = dao.client().chain.contracts.governor.votedBits.fragment;
  const rpc = { broken: false, reads: 0 };
  const provider: Eip1193Provider = {
    request(request) {
      const [call] = (request.params ?? []) as { data?: string }[];
      if (request.method === "eth_call" && call?.data?.startsWith(selector)) {
        rpc.reads += 1;
        if (rpc.broken) return Promise.reject(new ChainError("rpc-unreachable", "The line is broken."));
      }
      return witan.provider.request(request);
    },
  };
  const chain = await createChain({ provider, ...witan.deployment, signer: witan.operators[0], pollMs: 5 });
  onTestFinished(() => chain.close());
  const proposal = await mesh.propose();
  await mesh.start([0], { client: createClient({ chain, content: dao.content }) });
  await mesh.update(0);
  return { mesh, rpc, needs: () => mesh.node(0).exchange.needs(proposal, mesh.accountOf(0)) };
}

describe("who has voted", () => {
  it("is read again after a reorganisation, and what it took back is settled once more", async () => {
    const mesh = await createBallotMesh({ nodes: 3, tracks: slowTracks() });
    const proposal = await mesh.propose();
    const [first = -1, second = -1, third = -1] = mesh.settlersOf(proposal.id);
    await mesh.start([first]);
    await mesh.updateMembers();
    const ballots = [await mesh.sign(proposal.id, second, "for"), await mesh.sign(proposal.id, third, "for")];
    await mesh.publish(second, ...ballots);
    await mesh.waitForBallots(proposal.id, 2);
    const back = await mesh.dao.witan.snapshot();
    await mesh.dao.client(second).castVotes({ proposalId: proposal.id, ballots });
    await mesh.update(first);
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ by: second }]);

    await back();
    expect(await mesh.counted(proposal.id)).toEqual({});
    await mesh.update(first);
    await mesh.waitForTally(proposal.id, all([second, third], "for"));
    expect(await mesh.settlements(proposal.id)).toMatchObject([{ by: first }]);
  });

  it("is read once between two updates, however many ask", async () => {
    const { mesh, rpc, needs } = await withReader();
    const before = rpc.reads;
    expect(await Promise.all(Array.from({ length: 10 }, needs))).toEqual(Array(10).fill(true));
    expect(rpc.reads - before).toBe(1);
    await mesh.update(0);
    await needs();
    expect(rpc.reads - before).toBe(2);
  });

  it("is asked again where the chain did not answer", async () => {
    const { rpc, needs } = await withReader();
    rpc.broken = true;
    await expect(needs()).rejects.toThrow("The line is broken.");
    rpc.broken = false;
    expect(await needs()).toBe(true);
  });
});
