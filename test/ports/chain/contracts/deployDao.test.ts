import { describe, expect, it, onTestFinished } from "vitest";
import { createClient } from "../../../../src/client/index.js";
import { deployDao } from "../../../../src/ports/chain/contracts/deploy.js";
import { createChain, hashAggregateBallot } from "../../../../src/ports/chain/index.js";
import { createMemoryContent } from "../../../../src/ports/content/index.js";
import type { Address, Hex } from "../../../../src/records/index.js";
import { bls } from "../../../harness/bls.js";
import { restartOf } from "../../../harness/client/directives.js";
import { admissionOf, blsKey, operatorKey, shortTracks, startHardhatNode } from "../../../harness/deploy.js";

/** The RPC address of a geth in developer mode, such as http://127.0.0.1:8547. */
const GETH = process.env.WITAN_TEST_GETH;

async function call(rpcUrl: string, method: string, params: readonly unknown[]) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const { result, error } = (await (await fetch(rpcUrl, { method: "POST", headers, body })).json()) as {
    result: Hex & readonly Address[];
    error?: { message: string };
  };
  if (error !== undefined) throw new Error(`${method}: ${error.message}`);
  return result;
}

/** Deploys a DAO of so many nodes, and has just more than half of them decide a restart by one transaction. The first node pays. */
async function deployAndDecide(rpcUrl: string, size: number) {
  const deployer = operatorKey(0);
  const chainId = Number(await call(rpcUrl, "eth_chainId", []));
  const admitted: number[] = [];
  const operators = Array.from({ length: size }, (_, i) => operatorKey(i));
  const deployment = await deployDao({
    ...{ rpcUrl, chainId, deployer, tracks: shortTracks, onAdmitted: (count) => admitted.push(count) },
    nodes: async (context) => operators.map((operator, i) => admissionOf(context, operator, blsKey(i))),
  });
  const chain = await createChain({ rpcUrl, ...deployment, signer: deployer, pollMs: 20 });
  onTestFinished(() => chain.close());
  const client = createClient({ chain, content: createMemoryContent() });
  const proposal = await client.prepareProposal({ order: restartOf("web") });
  const { directiveId, proposalId } = proposal;
  const context = { chainId, governor: chain.addresses.NodeGovernor };
  const digest = Buffer.from(hashAggregateBallot(context, { proposalId, support: 1 }).slice(2), "hex");
  const ballots = operators.slice(0, Math.floor(size / 2) + 1).map((_, index) => {
    return { proposalId, index, support: "for" as const, signature: bls.sign(blsKey(index), digest) };
  });
  const { gasUsed } = await client.decideProposal({ proposal, ballots });
  const directive = await client.getDirective({ directiveId });
  return { admitted, gasUsed, directive, nodes: await client.listNodes() };
}

describe("a DAO that is deployed", () => {
  it("admits its nodes by as few transactions as the chain takes, and decides", async () => {
    const node = await startHardhatNode();
    onTestFinished(() => node.close());
    await call(node.rpcUrl, "hardhat_setBalance", [operatorKey(0).address, "0x56bc75e2d63100000"]);
    const { admitted, directive, nodes } = await deployAndDecide(node.rpcUrl, 5);
    expect([admitted, directive.status, nodes.length]).toEqual([[5], "Issued", 5]);
  });

  if (GETH === undefined) {
    it.skip("SKIPPED: a DAO of 120 nodes on a real geth is tested only where WITAN_TEST_GETH holds the address of its RPC", () =>
      undefined);
  } else {
    it(`has 120 nodes and decides on a real geth under the newest fork's rules (${GETH})`, async () => {
      const deployer = operatorKey(0);
      const [from] = await call(GETH, "eth_accounts", []);
      await call(GETH, "eth_sendTransaction", [{ from, to: deployer.address, value: "0x56bc75e2d63100000" }]);
      await expect
        .poll(() => call(GETH, "eth_getBalance", [deployer.address, "latest"]), { timeout: 30_000 })
        .not.toBe("0x0");
      const { admitted, directive, nodes } = await deployAndDecide(GETH, 120);
      expect([admitted.at(-1), directive.status, nodes.length]).toEqual([120, "Issued", 120]);
      expect(admitted.length).toBeGreaterThan(1);
    }, 300_000);
  }
});
