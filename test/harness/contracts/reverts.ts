import { Interface } from "ethers";
import {
  IDirectiveRegistry__factory,
  IKnowledgeRegistry__factory,
  INodeGovernor__factory,
  NodeGovernor__factory,
  NodeRegistry__factory,
} from "../../../src/ports/chain/bindings/index.js";

const ERRORS_OF_CONTRACTS = [
  INodeGovernor__factory.abi,
  NodeGovernor__factory.abi,
  NodeRegistry__factory.abi,
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

function dataOf(error: unknown): string | undefined {
  for (let cause: unknown = error; cause instanceof Object; cause = (cause as { cause?: unknown }).cause) {
    const { data } = cause as { data?: unknown };
    if (typeof data === "string") return data;
  }
  return undefined;
}
