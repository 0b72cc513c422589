import { ChainError } from "../ports/chain/index.js";
import type { Address } from "../records/index.js";
import type { ClientContext } from "./client.js";

/** Who acts. Throws {@link ChainError} `read-only` where the chain was opened for reading. */
export function requireAccount({ account }: Pick<ClientContext, "account">): Address {
  if (account !== undefined) return account;
  throw new ChainError("read-only", "This needs a signer: the chain was opened for reading.");
}
