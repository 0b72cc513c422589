import { ZeroAddress, ZeroHash } from "ethers";
import { BaseError } from "../../../errors.js";
import { ChainError, ContractRevertError } from "../errors.js";
import type { FailoverProvider } from "../rpc/provider.js";
import { quantityOf } from "../rpc/quantity.js";
import { connectContracts } from "./contracts.js";
import type { ContractName, Deployment } from "./deployment.js";
import { toChainError } from "./revert.js";

/** No seat has this index. */
const NO_INDEX = 0xffff_ffff;

/**
 * Checks that every address holds code, and that the code answers as the contract of that name does.
 *
 * @throws {@link ChainError} `not-deployed`, naming the first contract that is missing or is a different contract; `rpc-behind`
 * if the RPC node has not reached the deployment yet.
 */
export async function probeDeployment(
  provider: FailoverProvider,
  { contracts, deployedAtBlock }: Pick<Deployment, "contracts" | "deployedAtBlock">,
): Promise<void> {
  try {
    await probeContracts(provider, contracts);
  } catch (error) {
    if (error instanceof ChainError && error.kind === "not-deployed") await requireReached(provider, deployedAtBlock);
    throw error;
  }
}

/** @throws {@link ChainError} `rpc-behind` if the RPC node lacks the deployment's block or is still syncing: it says nothing of contracts then. */
export async function requireReached(provider: FailoverProvider, deployedAtBlock: number): Promise<void> {
  const head = quantityOf(await provider.send("eth_blockNumber", []), "the number of its newest block");
  const isSyncing = await saysThatItSyncs(provider);
  if (head >= deployedAtBlock && !isSyncing) return;
  throw new ChainError("rpc-behind", `The RPC node is at block ${head}${isSyncing ? " and still syncing" : ""}.`, {
    hints: [`The contracts were deployed at block ${deployedAtBlock}: wait, or name another RPC address.`],
  });
}

async function saysThatItSyncs(provider: FailoverProvider): Promise<boolean> {
  try {
    const syncing: unknown = await provider.send("eth_syncing", []);
    return typeof syncing === "object" && syncing !== null;
  } catch (error) {
    if (error instanceof ChainError) throw error;
    // Not every provider has the method.
    return false;
  }
}

async function probeContracts(provider: FailoverProvider, addresses: Deployment["contracts"]): Promise<void> {
  const { nodes, presences, hosts, knowledge, models, parameters, publishers, directives, governor, timelock } =
    connectContracts(addresses, provider);
  const answersRightly: Record<ContractName, () => Promise<boolean>> = {
    NodeRegistry: async () => (await nodes.timelock()).toLowerCase() === addresses.NodeTimelock.toLowerCase(),
    NodePresence: async () => (await presences.presenceAt(0)) === 0n && (await presences.holdOffEnd(NO_INDEX)) === 0n,
    HostRegistry: async () => (await hosts.descriptorOf(ZeroAddress)) === ZeroHash,
    KnowledgeRegistry: async () => (await knowledge.sequenceOf(ZeroAddress)) === 0n,
    ModelRegistry: async () => (await models.accepted(ZeroHash)).version === 0n,
    ParameterRegistry: async () => (await parameters.tryParameter(ZeroHash)).set === false,
    PublisherRegistry: async () => (await publishers.isAdmitted(ZeroHash)) === false,
    DirectiveRegistry: async () => (await directives.threshold(5)) === 3n,
    NodeGovernor: async () => (await governor.trackRules(0)).votingPeriod > 0n,
    NodeTimelock: async () => (await timelock.getMinDelay()) >= 0n,
  };
  await Promise.all(
    Object.entries(answersRightly).map(async ([name, answers]) => {
      const address = addresses[name as ContractName];
      if ((await provider.send("eth_getCode", [address, "latest"])) === "0x") {
        throw new ChainError("not-deployed", `There is no contract at ${address}, where ${name} should be.`, {
          hints: ["Check the contract addresses and the RPC address: is this the chain that the DAO was deployed on?"],
        });
      }
      if (!(await answers().catch(asNo))) {
        throw new ChainError("not-deployed", `The contract at ${address} is not the ${name} of this DAO.`, {
          hints: ["Check the contract addresses in the configuration."],
        });
      }
    }),
  );
}

/** False if the contract reverted or its answer cannot be decoded: it is a different contract. Rethrows RPC errors. */
function asNo(error: unknown): false {
  const told = toChainError(error);
  if (told instanceof ContractRevertError || (error as { code?: unknown }).code === "BAD_DATA") return false;
  throw told instanceof BaseError ? told : error;
}
