import { ChainError } from "../../ports/chain/index.js";
import type { Address } from "../../records/index.js";
import type { ClientContext } from "../client.js";

/** The account that sends. @throws ChainError `read-only` if the chain was opened for reading. */
export function requireAccount({ account }: Pick<ClientContext, "account">): Address {
  if (account !== undefined) return account;
  throw new ChainError("read-only", "This needs a signer: the chain was opened for reading.");
}

/** The key that signs. @throws ChainError `read-only` if the chain was opened for reading. */
export function requireSigner({ chain: { signer } }: Pick<ClientContext, "chain">) {
  if (signer !== undefined) return signer;
  throw new ChainError("read-only", "This needs a signer: the chain was opened for reading.");
}
