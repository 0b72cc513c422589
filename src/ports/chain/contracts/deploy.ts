import { type ContractTransactionResponse, id, type Signer, ZeroAddress, ZeroHash } from "ethers";
import { type Address, type Hex, type Track, type TrackRules, Tracks } from "../../../records/index.js";
import { systemClock } from "../../../utils/clock.js";
import {
  DirectiveRegistry__factory,
  HostRegistry__factory,
  KnowledgeRegistry__factory,
  ModelRegistry__factory,
  NodeChanges__factory,
  NodeGovernor__factory,
  NodeRegistry__factory,
  NodeTimelock__factory,
  ParameterRegistry__factory,
} from "../bindings/index.js";
import { createHttpEndpoint } from "../rpc/endpoint.js";
import { FailoverProvider } from "../rpc/provider.js";
import { AccountSender } from "../transactions/account/accountSender.js";
import { DEFAULT_MAX_FEE } from "../transactions/fees.js";
import { fitParts, transactionGasLimit } from "../transactions/fitParts.js";
import { SentTransactions } from "../transactions/sentTransactions.js";
import { ChainSigner } from "../transactions/signer.js";
import type { ConsentContext } from "../typedData/consent.js";
import type { Deployment } from "./deployment.js";
import { toChainError } from "./revert.js";

/** The most nodes whose admission is tried in one transaction, so that a request stays small. How many fit, the chain says. */
const MAX_TRIED = 128;
const TIMEOUT_MS = 60_000;
const POLL_MS = 50;

/** What admits a node: its operator's consent to its agent. The arguments of `INodeRegistry.Admission`. */
export interface Admission {
  readonly operator: Address;
  readonly agent: Address;
  /** BLS12-381 public key, EIP-2537 encoding, 128 bytes. */
  readonly key: Hex;
  /** Proof of possession of the key's secret, 160 bytes. */
  readonly possession: Hex;
  /** The libp2p peer id's bytes. */
  readonly peerId: Hex;
  /** The last second in which the consent is accepted. */
  readonly deadline: number;
  /** The operator's signature. */
  readonly consent: Hex;
}

export interface DeployDaoParameters {
  readonly rpcUrl: string;
  readonly chainId: number;
  /** Pays the gas, and keeps no role in the DAO. */
  readonly deployer: Signer;
  /** The nodes, whose operators sign for this chain and registry. */
  readonly nodes: (context: ConsentContext) => Promise<readonly Admission[]>;
  readonly tracks: Readonly<Record<Track, TrackRules>>;
  /** Called after each transaction with the number of members. */
  readonly onAdmitted?: (count: number) => void;
}

/**
 * Deploys a DAO as its Ignition module does, without a guardian, for programs that need a temporary DAO, such as
 * rehearsals. Admits the nodes by as many transactions as the chain needs, closes genesis and renounces every role of the
 * deployer.
 *
 * @throws ChainError; ContractRevertError, such as for a node's proof of possession.
 */
export async function deployDao(parameters: DeployDaoParameters): Promise<Deployment> {
  const { chainId, onAdmitted, rpcUrl, tracks } = parameters;
  const endpoints = [createHttpEndpoint(rpcUrl)];
  const provider = new FailoverProvider(endpoints, { chainId, timeoutMs: TIMEOUT_MS, pollMs: POLL_MS });
  try {
    const deployedAtBlock = Number(await provider.send("eth_blockNumber", []));
    const deployer = (await parameters.deployer.getAddress()) as Address;
    const timing = { clock: systemClock, pollMs: POLL_MS, timeoutMs: TIMEOUT_MS };
    const sender = new AccountSender({
      ...{
        ...timing,
        rpc: provider,
        account: deployer,
        chainId,
        sent: new SentTransactions(),
        maxFee: DEFAULT_MAX_FEE,
      },
      sign: (transaction) => parameters.deployer.signTransaction(transaction),
      tip: "latest",
    });
    const signer = new ChainSigner(parameters.deployer, provider, sender, timing);

    const timelock = await new NodeTimelock__factory(signer).deploy(deployer);
    const nodes = await new NodeRegistry__factory(signer).deploy(
      await addressOf(timelock),
      deployer,
      await addressOf(await new NodeChanges__factory(signer).deploy(await addressOf(timelock))),
    );
    const knowledge = await new KnowledgeRegistry__factory(signer).deploy(await addressOf(nodes));
    const hosts = await new HostRegistry__factory(signer).deploy(await addressOf(nodes));
    const models = await new ModelRegistry__factory(signer).deploy(await addressOf(timelock));
    const settings = await new ParameterRegistry__factory(signer).deploy(await addressOf(timelock));
    const directives = await new DirectiveRegistry__factory(signer).deploy(
      await addressOf(timelock),
      await addressOf(nodes),
    );
    const governor = await new NodeGovernor__factory(signer).deploy(
      await addressOf(nodes),
      await addressOf(timelock),
      await addressOf(directives),
      await addressOf(models),
      await addressOf(settings),
      ZeroAddress,
      0,
      Tracks.map((track) => tracks[track]) as [TrackRules, TrackRules, TrackRules, TrackRules],
    );

    const admissions = await parameters.nodes({ chainId, registry: await addressOf(nodes) });
    const limit = await transactionGasLimit(provider);
    let admitted = 0;
    for (let first = 0; first < admissions.length; first += MAX_TRIED) {
      const tried = admissions.slice(first, first + MAX_TRIED).map((admission) => ({ ...admission }));
      for (const part of await fitParts(tried, limit, (some) => nodes.admit.estimateGas([...some]))) {
        await mined(nodes.admit([...part]));
        admitted += part.length;
        onAdmitted?.(admitted);
      }
    }
    await mined(nodes.closeGenesis());
    for (const role of ["PROPOSER_ROLE", "EXECUTOR_ROLE", "CANCELLER_ROLE"]) {
      await mined(timelock.grantRole(id(role), await addressOf(governor)));
    }
    await mined(timelock.renounceRole(ZeroHash, deployer));

    return {
      chainId,
      deployedAtBlock,
      contracts: {
        NodeRegistry: await addressOf(nodes),
        NodePresence: (await nodes.presences()) as Address,
        HostRegistry: await addressOf(hosts),
        KnowledgeRegistry: await addressOf(knowledge),
        ModelRegistry: await addressOf(models),
        ParameterRegistry: await addressOf(settings),
        PublisherRegistry: (await settings.publishers()) as Address,
        DirectiveRegistry: await addressOf(directives),
        NodeGovernor: await addressOf(governor),
        NodeTimelock: await addressOf(timelock),
      },
    };
  } catch (error) {
    throw toChainError(error);
  } finally {
    provider.destroy();
  }
}

interface DeployedContract {
  waitForDeployment(): Promise<unknown>;
  getAddress(): Promise<string>;
}

async function addressOf(contract: DeployedContract): Promise<Address> {
  await contract.waitForDeployment();
  return (await contract.getAddress()) as Address;
}

async function mined(sending: Promise<ContractTransactionResponse>): Promise<void> {
  await (await sending).wait();
}
