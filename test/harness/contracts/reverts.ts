import { Interface, type Provider } from "ethers";
import {
  IDirectiveRegistry__factory,
  IKnowledgeRegistry__factory,
  INodeGovernor__factory,
  NodeGovernor__factory,
  NodeRegistry__factory,
  ProposalReader__factory,
} from "../../../src/ports/chain/bindings/index.js";

const ERRORS_OF_CONTRACTS = [
  INodeGovernor__factory.abi,
  NodeGovernor__factory.abi,
  NodeRegistry__factory.abi,
  ProposalReader__factory.abi,
  IDirectiveRegistry__factory.abi,
  IKnowledgeRegistry__factory.abi,
].map((abi) => new Interface(abi.filter(({ type }) => type === "error")));

/** The name and arguments of the contract error that `attempt` reverts with; undefined if it does not revert. */
export async function revertOf(attempt: Promise<unknown>): Promise<unknown[] | undefined> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    const data = dataOf(error);
    for (const known of ERRORS_OF_CONTRACTS) {
      const parsed = data === undefined ? null : known.parseError(data);
      if (parsed) return [parsed.name, ...parsed.args];
    }
    throw error;
  }
}

/** More than any call of these tests uses: a call with a limit is sent without an estimate, and mined though it reverts. */
const ENOUGH_GAS = { gasLimit: 5_000_000 };

/** The gas of the transaction that `send` sends, which must revert. */
export async function gasOfRefusal(
  provider: Pick<Provider, "getBlock" | "getTransactionReceipt">,
  send: (overrides: typeof ENOUGH_GAS) => Promise<unknown>,
): Promise<bigint> {
  if ((await revertOf(send(ENOUGH_GAS))) === undefined) throw new Error("the transaction has not failed");
  const block = await provider.getBlock("latest");
  const receipt = await provider.getTransactionReceipt(block?.transactions[0] ?? "");
  if (receipt?.status !== 0) throw new Error("the transaction was not mined, or has not failed");
  return receipt.gasUsed;
}

function dataOf(error: unknown): string | undefined {
  for (let cause: unknown = error; cause instanceof Object; cause = (cause as { cause?: unknown }).cause) {
    const { data } = cause as { data?: unknown };
    if (typeof data === "string") return data;
  }
  return undefined;
}
