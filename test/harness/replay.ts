import type { Deployment, Eip1193Provider } from "../../src/ports/chain/index.js";
import type { Address } from "../../src/records/index.js";

/** What a deployment sent to an empty chain, and where its contracts then were. */
export interface RecordedDeployment {
  readonly transactions: readonly RecordedTransaction[];
  readonly contracts: Deployment["contracts"];
}

interface RecordedTransaction {
  readonly from: string;
  readonly gas: string;
  readonly data: string;
  readonly to?: string;
}

/** Deployments that this process has made, by their parameters. */
const recordings = new Map<string, RecordedDeployment>();

export interface ReplayParameters {
  readonly provider: Eip1193Provider;
  /** Identifies the deployment: all parameters that change its transactions. */
  readonly key: string;
  /** Deploys by Ignition, as users do, and returns the addresses. */
  readonly deploy: () => Promise<Deployment["contracts"]>;
}

/**
 * Deploys to a chain. A deployment that this process has made before is sent again as it was, transaction by transaction,
 * which takes a tenth of the time: an empty chain gives the same addresses. A chain that was used is deployed to anew.
 */
export async function deployOrReplay({ provider, key, deploy }: ReplayParameters): Promise<Deployment["contracts"]> {
  const send = (method: string, ...params: unknown[]) => provider.request({ method, params });
  if (Number(await send("eth_blockNumber")) > 0) return deploy();
  const recorded = recordings.get(key);
  if (recorded !== undefined) {
    for (const transaction of recorded.transactions) await send("eth_sendTransaction", transaction);
    return recorded.contracts;
  }
  const contracts = await deploy();
  const last = Number(await send("eth_blockNumber"));
  const transactions: RecordedTransaction[] = [];
  for (let number = 1; number <= last; number++) {
    const block = (await send("eth_getBlockByNumber", `0x${number.toString(16)}`, true)) as RawBlock;
    for (const { from, to, gas, input } of block.transactions) {
      transactions.push({ from, gas, data: input, ...(to === null ? {} : { to }) });
    }
  }
  recordings.set(key, { transactions, contracts });
  return contracts;
}

interface RawBlock {
  readonly transactions: readonly { from: Address; to: Address | null; gas: string; input: string }[];
}
