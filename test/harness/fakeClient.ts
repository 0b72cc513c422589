import type { ClientContext } from "../../src/client/index.js";
import {
  type Chain,
  type ChainEventName,
  ContractNames,
  ContractRevertError,
  type Deployment,
} from "../../src/ports/chain/index.js";
import { address, NODE } from "../records/samples.js";
import { frozen } from "./clock.js";

/** An address for each contract. */
export const addresses = Object.fromEntries(
  ContractNames.map((name, i) => [name, address(`0x${(i + 17).toString(16).repeat(20)}`)]),
) as Deployment["contracts"];

/** A chain that knows its contracts' addresses. It answers what a test gives it, and nothing else. */
export function chainOf(parts: object = {}): Chain {
  const read = <T>(call: () => Promise<T>) => call();
  return { chainId: 31_337, addresses, deployedAtBlock: 1, tip: "latest", read, ...parts } as unknown as Chain;
}

/** What a verb of a client works with: a chain of {@link chainOf} and the parts that a test gives. */
export function contextOf({
  chain = {},
  ...parts
}: {
  readonly chain?: object;
  readonly [part: string]: unknown;
} = {}) {
  const context = { account: NODE, clock: frozen(), locate: undefined, ...parts, chain: chainOf(chain) };
  return context as unknown as ClientContext;
}

/** What a client has read of events so far: these, oldest first. */
export const cacheOf = <E extends { readonly name: ChainEventName }>(...events: readonly E[]) => ({
  read: async () => events,
  since: 1,
});

/** A contract's refusal with a custom error. */
export const revertOf = (errorName: string) => new ContractRevertError({ errorName, args: {}, contract: "Test" });

/** A function that notes the arguments of every call, and answers each with the same. */
export const noting =
  <T>(calls: unknown[][], answer: T) =>
  async (...args: unknown[]): Promise<T> => {
    calls.push(args);
    return answer;
  };
