import type { Address } from "../../../records/index.js";
import { type Clock, systemClock } from "../../../utils/clock.js";
import { ChainError } from "../errors.js";
import { createHttpEndpoint } from "./endpoint.js";

const TIMEOUT_MS = 10_000;
const POLL_MS = 100;
/** 100 ether, in wei. */
const BALANCE = "0x56bc75e2d63100000";

/** A chain for development and tests, which gives accounts money on request. */
export interface DevelopmentChain {
  chainId(): Promise<number>;
  /** Gives an account 100 ether. Throws {@link ChainError} `rpc-error` if it is not a development chain. */
  fund(account: Address): Promise<void>;
}

/** Hardhat's network, Anvil, `geth --dev` or another that sets balances or has an unlocked account that pays. */
export function developmentChain(rpcUrl: string, clock: Clock = systemClock): DevelopmentChain {
  const endpoint = createHttpEndpoint(rpcUrl);
  let id = 0;
  const ask = (method: string, params: unknown[]) => {
    id += 1;
    return endpoint.request({ jsonrpc: "2.0", id, method, params }, TIMEOUT_MS);
  };
  const send = async (method: string, params: unknown[]): Promise<unknown> => {
    const answer = await ask(method, params);
    if ("result" in answer) return answer.result;
    throw refusal(`${method} was refused`);
  };

  async function pay(account: Address): Promise<void> {
    const [from] = (await send("eth_accounts", [])) as Address[];
    if (from === undefined) throw refusal("It sets no balance and has no unlocked account");
    const hash = await send("eth_sendTransaction", [{ from, to: account, value: BALANCE }]);
    const deadline = clock.monotonic() + TIMEOUT_MS;
    while ((await send("eth_getTransactionReceipt", [hash])) === null) {
      if (clock.monotonic() > deadline) throw refusal("Its unlocked account's payment is in no block");
      await clock.sleep(POLL_MS);
    }
  }

  return {
    chainId: async () => Number(await send("eth_chainId", [])),
    async fund(account) {
      const answer = await ask("hardhat_setBalance", [account, BALANCE]);
      if (!("result" in answer)) await pay(account);
    },
  };
}

function refusal(what: string): ChainError {
  return new ChainError("rpc-error", `${what}: this is not a development chain.`, {
    hints: ["A rehearsal needs Hardhat's network, such as that of npm start, Anvil or geth --dev."],
  });
}
