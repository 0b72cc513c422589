import { Contract } from "ethers";
import { type INodePresence, INodePresence__factory } from "../bindings/index.js";
import type { Chain } from "../chain.js";

/** The contract does not move: its address is asked for once a chain. */
const connected = new WeakMap<object, Promise<INodePresence>>();

/** The contract in which seats are suspended, to read from. The registry tells its address. */
export function presencesOf(chain: Pick<Chain, "contracts" | "provider" | "read">): Promise<INodePresence> {
  const known = connected.get(chain.contracts);
  if (known !== undefined) return known;
  const connecting = chain
    .read(() => chain.contracts.nodes.presences())
    .then((address) => new Contract(address, INodePresence__factory.abi, chain.provider) as unknown as INodePresence);
  connected.set(chain.contracts, connecting);
  // The callers so far learn of a failure; the next one asks again.
  connecting.catch(() => connected.delete(chain.contracts));
  return connecting;
}
