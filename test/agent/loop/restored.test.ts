import { rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { markRestored, RestoreMarker } from "../../../src/agent/signing/restoreMarker.js";
import { LISTEN_MS, MARGIN_SECONDS, SigningGuard } from "../../../src/agent/signing/signingGuard.js";
import { temporaryFolder } from "../../harness/folder.js";
import { createBallotMesh, slowTracks } from "../ballots/ballotMesh.js";
import { createVotingNode } from "./votingNode.js";

const TEN_MINUTES_MS = 600_000;

/** Node 0 has voted against, has lost its disk, and runs again with journals from before; no peer reaches it. */
async function restoredNode({ isGuarded }: { readonly isGuarded: boolean }) {
  const mesh = await createBallotMesh({ nodes: 3, tracks: slowTracks() });
  await mesh.start([0, 1, 2]);
  const proposal = await mesh.propose();
  await mesh.update();
  await mesh.vote(proposal, { 0: "against" });
  await mesh.waitForBallots(proposal.id, 1);
  const { clock, dir, logger } = mesh.node(0);
  await mesh.stop(0);
  await rm(dir, { recursive: true });
  mesh.cutOff(0);
  await mesh.start([0]);
  const dataDir = temporaryFolder();
  await markRestored(dataDir, clock.now());
  const marker = await RestoreMarker.open(dataDir);
  const guard = new SigningGuard({ clock, logger, marker, signed: () => 0, isNew: false, listenMs: LISTEN_MS });
  const { exchange } = mesh.node(0);
  const voter = await createVotingNode({ mesh, exchange, ...(isGuarded ? { guard } : {}) });
  /** As in a cycle of the agent. */
  const cycle = async () => {
    await mesh.update(0);
    await guard.update(await mesh.dao.client().chain.now());
  };
  await cycle();
  mesh.clock.pass(TEN_MINUTES_MS);
  await cycle();
  return { cycle, exchange, guard, mesh, proposal, voter };
}

const ban = { kind: "equivocation" };

describe("a node that has voted, was restored from a backup of before, and hears nothing for ten minutes", () => {
  it("signs no other ballot, so that its peers have no reason to ban it", async () => {
    const { exchange, guard, mesh, proposal, voter } = await restoredNode({ isGuarded: true });
    expect(guard.state).toBe("signing");
    await voter.instructions.write(proposal.id, "for");
    expect(await voter.decide(proposal)).toBeUndefined();
    mesh.heal();
    expect(exchange.view(proposal.id).known).toEqual([]);
    expect(mesh.node(1).exchange.incidents()).toEqual([]);
  });

  it("would be banned without the guard", async () => {
    const { cycle, mesh, proposal, voter } = await restoredNode({ isGuarded: false });
    await voter.instructions.write(proposal.id, "for");
    mesh.heal();
    expect(await voter.decide(proposal)).toMatchObject({ support: "for" });
    await cycle();
    await expect.poll(() => mesh.node(1).exchange.incidents()).toMatchObject([ban]);
  });

  it("sends its earlier ballot again once a peer returns it, whatever it sees now", async () => {
    const { exchange, guard, mesh, proposal, voter } = await restoredNode({ isGuarded: true });
    await voter.instructions.write(proposal.id, "for");
    const returned = mesh.node(1).exchange.signedBy(voter.self);
    expect(returned).toHaveLength(1);
    for (const bytes of returned) await exchange.take(bytes, mesh.nameOf(1));
    expect(await voter.decide(proposal)).toMatchObject({ support: "against" });
    // More may be lost: it listens once more.
    expect(guard.status).toMatchObject({ state: "listening", restore: { why: "rolled-back", until: null } });
    mesh.heal();
    expect(mesh.node(1).exchange.incidents()).toEqual([]);
  });

  it("votes on what is opened after it has listened", async () => {
    const { guard, mesh, voter } = await restoredNode({ isGuarded: true });
    // The chain of a test that waits for the processor lags behind the wall clock, by which the restore was dated.
    const chainTime = await mesh.dao.client().chain.now();
    const until = guard.status.restore?.until ?? 0;
    expect(until).toBeGreaterThanOrEqual(chainTime + MARGIN_SECONDS);
    await mesh.dao.witan.increaseTime(until - chainTime + 1);
    const later = await mesh.propose({ kind: "Scale", workload: "web", replicas: 5 });
    await mesh.update(0);
    await voter.instructions.write(later.id, "for");
    expect(await voter.decide(later)).toMatchObject({ support: "for" });
  });
});
