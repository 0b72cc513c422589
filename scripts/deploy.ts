import { rm } from "node:fs/promises";
import { join } from "node:path";
import { network } from "hardhat";
import { genesisModule, genesisOf, witanModule } from "../ignition/modules/Witan.js";
import type { Admission, ConsentContext, Deployment } from "../src/ports/chain/index.js";
import type { Address, Track, TrackRules } from "../src/records/index.js";

export interface DeployOptions {
  readonly rpc: string;
  readonly chainId: number;
  /** The nodes of genesis, whose operators sign for this chain and registry. */
  readonly nodes: (context: ConsentContext) => Promise<readonly Admission[]>;
  readonly tracks?: Record<Track, TrackRules>;
  /** Deletes Ignition's journal of an earlier deployment with this chain id: for chains that start empty. */
  readonly fresh?: boolean;
}

/** Deploys the DAO by its Ignition modules over an RPC whose first account pays. The deployer keeps no role. */
export async function deploy({ rpc, chainId, nodes, tracks, fresh = false }: DeployOptions): Promise<Deployment> {
  if (fresh) {
    await rm(join(import.meta.dirname, "..", "ignition", "deployments", `chain-${chainId}`), {
      recursive: true,
      force: true,
    });
  }
  const connection = await network.create({ network: "localhost", override: { url: rpc } });
  const deployedAtBlock = Number(await connection.provider.request({ method: "eth_blockNumber", params: [] }));
  const rules = Object.fromEntries(Object.entries(tracks ?? {}).map(([track, its]) => [track, { ...its }]));
  const deployed = await connection.ignition.deploy(witanModule, { parameters: { Witan: rules } });
  const addressOf = async (name: keyof typeof deployed) => (await deployed[name].getAddress()) as Address;
  const contracts = {
    NodeRegistry: await addressOf("nodes"),
    NodePresence: await addressOf("presences"),
    HostRegistry: await addressOf("hosts"),
    KnowledgeRegistry: await addressOf("knowledge"),
    ModelRegistry: await addressOf("models"),
    ParameterRegistry: await addressOf("parameters"),
    PublisherRegistry: await addressOf("publishers"),
    DirectiveRegistry: await addressOf("directives"),
    NodeGovernor: await addressOf("governor"),
    NodeTimelock: await addressOf("timelock"),
  };
  const registry = contracts.NodeRegistry;
  const { batches, parameters } = genesisOf(await nodes({ chainId, registry }));
  await connection.ignition.deploy(genesisModule(batches), { parameters: { Genesis: { registry, ...parameters } } });
  await connection.close();
  return { chainId, contracts, deployedAtBlock };
}
