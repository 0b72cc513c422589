import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id, ZeroHash } from "ethers";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { RehearsalHost } from "../../../scripts/rehearsal/host.js";
import { attack } from "../../../scripts/rehearsal/hostile.js";
import { rehearse } from "../../../scripts/rehearsal/rehearse.js";
import { rehearsalTracks } from "../../../scripts/rehearsal/tracks.js";
import { createClient } from "../../../src/client/index.js";
import { deployDao } from "../../../src/ports/chain/contracts/deploy.js";
import { createChain, type Deployment, developmentChain } from "../../../src/ports/chain/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { loadBls } from "../../../src/ports/keys/index.js";
import type { Address, Hex } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { admissionOf, blsKey, operatorKey } from "../../harness/deploy.js";
import { type HardhatNode, startHardhatNode } from "../../harness/hardhatNode.js";

const NODES = 9;
const patience = { timeout: 60_000, interval: 100 };

let node: HardhatNode;
let deployment: Deployment;

const keysOf = (index: number) => ({
  account: operatorKey(index).privateKey as Hex,
  bls: `0x${Buffer.from(blsKey(index)).toString("hex")}` as Hex,
});

beforeAll(async () => {
  node = await startHardhatNode();
  const development = developmentChain(node.rpcUrl);
  const deployer = operatorKey("deployer");
  const operators = Array.from({ length: NODES }, (_, i) => operatorKey(i));
  for (const { address } of [deployer, ...operators]) await development.fund(address as Address);
  deployment = await deployDao({
    rpcUrl: node.rpcUrl,
    chainId: await development.chainId(),
    deployer,
    nodes: async (context) => operators.map((operator, i) => admissionOf(context, operator, blsKey(i))),
    tracks: rehearsalTracks,
  });
});
afterAll(() => node.close());

async function reader() {
  const chain = await createChain({ rpcUrl: node.rpcUrl, ...deployment, pollMs: 20 });
  onTestFinished(() => chain.close());
  return createClient({ chain, content: createMemoryContent() });
}

/** Starts hosts, each connected to those before it; `seats` are the nodes of each. */
async function hosts(seats: readonly (readonly number[])[], silent = -1): Promise<RehearsalHost[]> {
  const dir = await mkdtemp(join(tmpdir(), "witan-rehearsal-"));
  const started: RehearsalHost[] = [];
  onTestFinished(async () => {
    await Promise.all(started.map((host) => host.stop()));
    await rm(dir, { recursive: true, force: true });
  });
  for (const [position, indices] of seats.entries()) {
    started.push(
      await RehearsalHost.start({
        dir: join(dir, `${position}`),
        rpcUrl: node.rpcUrl,
        deployment,
        peers: started.flatMap(({ multiaddrs }) => multiaddrs.slice(0, 1)),
        keys: indices.map(keysOf),
        waitForMoreMs: 1_000,
        silent: position === silent,
        logger: createLogger("silent", () => undefined),
      }),
    );
  }
  await expect.poll(() => started.map(({ peers }) => peers), patience).toEqual(seats.map(() => seats.length - 1));
  return started;
}

describe("a DAO that a program deploys", () => {
  it("has no owner, and the rules it was given", async () => {
    const { chain } = await reader();
    const { governor, nodes, timelock } = chain.contracts;
    const deployer = operatorKey("deployer").address;
    const roles = [ZeroHash, ...["PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"].map(id)];
    const held = await Promise.all(roles.map((role) => timelock.hasRole(role, deployer)));
    expect(held).toEqual([false, false, false, false]);
    const ofGovernor = await Promise.all(
      roles.map((role) => timelock.hasRole(role, deployment.contracts.NodeGovernor)),
    );
    expect(ofGovernor).toEqual([false, true, true, true]);
    expect(await nodes.founder()).toBe("0x0000000000000000000000000000000000000000");
    expect((await nodes.committee(await nodes.epoch())).size).toBe(BigInt(NODES));
    expect((await governor.trackRules(1)).votingPeriod).toBe(BigInt(rehearsalTracks.operations.votingPeriod));
  });
});

describe("a rehearsal", () => {
  it("takes the ballots of many nodes in two hosts to the chain together", async () => {
    const [first, second] = await hosts([
      [0, 1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
    const client = await reader();
    const proposalId = (await first?.open("rehearsal-1"))?.proposalId ?? "";
    const state = async () => (await client.getProposal({ proposalId })).state;
    await expect.poll(state, patience).toBe("Succeeded");
    const ballots = await client.listBallots({ proposalId });
    // Five of nine end the vote; others may come along.
    expect(ballots.length).toBeGreaterThanOrEqual(5);
    expect(new Set(ballots.map(({ voter }) => voter)).size).toBe(ballots.length);
    expect(new Set(ballots.map(({ transactionHash }) => transactionHash)).size).toBeLessThanOrEqual(2);
    expect((first?.counts.accepted ?? 0) + (second?.counts.accepted ?? 0)).toBeGreaterThan(0);
  });

  it("is not kept from it by nodes that attack", async () => {
    const [first, , hostile] = await hosts(
      [
        [0, 1, 2, 3],
        [4, 5, 6],
        [7, 8],
      ],
      2,
    );
    const client = await reader();
    const proposalId = (await first?.open("rehearsal-2"))?.proposalId ?? "";
    if (hostile === undefined) throw new Error("nobody attacks");
    const sent = await attack({ ...(await hostile.attackTargets(proposalId)), bls: await loadBls() });
    expect(sent).toBe(22);
    const state = async () => (await client.getProposal({ proposalId })).state;
    await expect.poll(state, patience).toBe("Succeeded");
    const ballots = await client.listBallots({ proposalId });
    const honest = ballots.filter(({ index }) => index < 7);
    expect(new Set(honest.map(({ support }) => support))).toEqual(new Set(["for"]));
    expect(honest).toHaveLength(7);
    const { counts } = first ?? {};
    expect(counts).toMatchObject({ malformed: 2 });
    expect(counts?.badSignatures).toBeGreaterThanOrEqual(2);
    expect(counts?.equivocations).toBe(2);
  });

  it("decides without the nodes that do not run", async () => {
    const { hosts, votes } = await rehearse({
      ...{ rpcUrl: node.rpcUrl, nodes: 5, processes: 1, silent: 40 },
      onProgress: () => undefined,
    });
    expect(hosts.map(({ nodes }) => nodes)).toEqual([3]);
    expect(votes.map(({ votes }) => votes)).toEqual([{ for: 3, against: 0, abstain: 0 }]);
  });
});
