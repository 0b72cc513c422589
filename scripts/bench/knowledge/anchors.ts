import { Wallet } from "ethers";
import { createAdmission, createClient, type NewRecord } from "../../../src/client/index.js";
import { deployDao } from "../../../src/ports/chain/contracts/deploy.js";
import { createChain, developmentChain } from "../../../src/ports/chain/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { createAccountKey, createBlsKey } from "../../../src/ports/keys/index.js";
import type { Address } from "../../../src/records/index.js";
import { startNetwork } from "../../story/network.js";
import { storyTracks } from "../../story/timing.js";

/** Gas of an anchor after the author's first one, by the number of its records. */
export async function measureAnchors(batches: readonly number[]) {
  const network = await startNetwork(0);
  try {
    const operator = createAccountKey();
    const secret = createBlsKey();
    const deployer = Wallet.createRandom();
    const funds = developmentChain(network.rpc);
    for (const { address } of [operator, deployer]) await funds.fund(address as Address);
    const deployment = await deployDao({
      rpcUrl: network.rpc,
      chainId: network.chainId,
      deployer,
      nodes: async (context) => [
        await createAdmission({
          ...context,
          operator,
          agent: operator.address as Address,
          secret,
          peerId: Buffer.from("1220".concat("11".repeat(32)), "hex"),
        }),
      ],
      tracks: storyTracks,
    });
    const chain = await createChain({ rpcUrl: network.rpc, ...deployment, signer: operator });
    try {
      const client = createClient({ chain, content: createMemoryContent() });
      await client.anchorRecords({ records: recordsOf("first", 1) });
      const anchors: { batch: number; gas: number; gasPerRecord: number }[] = [];
      for (const batch of batches) {
        const { receipt } = await client.anchorRecords({ records: recordsOf(`of ${batch}`, batch) });
        const gas = Number(receipt?.gasUsed ?? 0n);
        anchors.push({ batch, gas, gasPerRecord: Math.round((gas * 100) / batch) / 100 });
      }
      return anchors;
    } finally {
      chain.close();
    }
  } finally {
    await network.close();
  }
}

function recordsOf(name: string, count: number): NewRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    kind: "Incident",
    value: {
      schema: "witan/incident/1",
      kind: "replica-down",
      severity: "low",
      subject: `${name}/${i}`,
      observed: {},
      detection: { probe: "bench" },
      resolution: null,
    },
  }));
}
