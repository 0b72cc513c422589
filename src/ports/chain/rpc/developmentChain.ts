import type { Address } from "../../../records/index.js";
import { ChainError } from "../errors.js";
import { createHttpEndpoint } from "./endpoint.js";

const TIMEOUT_MS = 10_000;
/** 100 ether, in wei. */
const BALANCE = "0x56bc75e2d63100000";

/** A chain for development and tests, which sets account balances on request. */
export interface DevelopmentChain {
  chainId(): Promise<number>;
  /** Sets an account's balance. Throws {@link ChainError} `rpc-error` if it is not a development chain. */
  fund(account: Address): Promise<void>;
}

/** Hardhat's network, Anvil or another that understands `hardhat_setBalance`. */
export function developmentChain(rpcUrl: string): DevelopmentChain {
  const endpoint = createHttpEndpoint(rpcUrl);
  let id = 0;
  const send = async (method: string, params: unknown[]): Promise<unknown> => {
    id += 1;
    const answer = await endpoint.request({ jsonrpc: "2.0", id, method, params }, TIMEOUT_MS);
    if ("result" in answer) return answer.result;
    throw new ChainError("rpc-error", `${method} was refused: this is not a development chain.`, {
      hints: ["A rehearsal needs Hardhat's network, such as that of npm start, or Anvil."],
    });
  };
  return {
    chainId: async () => Number(await send("eth_chainId", [])),
    fund: async (account) => void (await send("hardhat_setBalance", [account, BALANCE])),
  };
}
