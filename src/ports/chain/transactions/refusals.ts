/**
 * Why a node did not take a signed transaction. JSON-RPC has no codes for this, and each client has words of its own.
 *
 * - `known`: it has these very bytes, waiting or in a block.
 * - `nonce-used`: a block holds another or this transaction with the nonce.
 * - `outbid`: its pool holds another transaction with the nonce, and this one pays too little more to replace it.
 * - `underpriced`: it pays less than the node, its pool or the next block takes.
 * - `too-dear`: the node's own limit for fees is below what it may cost.
 * - `insufficient-funds`: the account could not pay for it at its highest price.
 * - `pool-full`: the pool has no room now.
 */
export type Refusal =
  | "known"
  | "nonce-used"
  | "outbid"
  | "underpriced"
  | "too-dear"
  | "insufficient-funds"
  | "pool-full";

/**
 * The words of geth, reth, Erigon, Nethermind, Besu, OpenEthereum, Hardhat and Anvil. The first that fits counts: the
 * words for a replacement also say "underpriced".
 */
const WORDS: readonly (readonly [Refusal, RegExp])[] = [
  // geth, reth; Hardhat, Besu: "Known transaction"; Anvil, OpenEthereum: "already imported"; Erigon; Nethermind: AlreadyKnown.
  ["known", /already ?known|known transaction|already imported|existing tx with same hash/i],
  // geth, Erigon; OpenEthereum: "nonce is too low"; Nethermind: OldNonce. Erigon says "mined" alone.
  ["nonce-used", /nonce (is )?too low|\bOldNonce\b|^mined$/i],
  // geth, Erigon, Hardhat, Besu, Anvil; Erigon; Nethermind; OpenEthereum: "There is another transaction with same nonce".
  [
    "outbid",
    /replacement transaction underpriced|could not replace existing|ReplacementNotAllowed|another transaction with same nonce|future transaction tries to replace/i,
  ],
  // geth: "tx fee (1.50 ether) exceeds the configured cap (1.00 ether)"; Besu: "Transaction fee cap exceeded".
  ["too-dear", /exceeds the configured cap|fee cap exceeded/i],
  // geth, Anvil, Erigon, Nethermind; Hardhat: "doesn't have enough funds"; Besu: "Upfront cost exceeds account balance".
  ["insufficient-funds", /insufficient ?funds|enough funds|exceeds account balance/i],
  // geth, reth, Besu; Erigon: "pending sub-pool is full"; OpenEthereum: "too many transactions in the queue".
  ["pool-full", /pool is full|too many transactions in the queue/i],
  // geth, Erigon; Nethermind: FeeTooLow; geth, Anvil: "less than block base fee"; Besu: "below current base fee",
  // "below configured minimum"; Hardhat: "maxFeePerGas (1) is too low for the next block"; OpenEthereum.
  [
    "underpriced",
    /underpriced|fee ?too ?low|less than block base fee|below (current base fee|configured minimum)|too low for the next block|gas price is too low/i,
  ],
];

/** Reads a node's words; undefined if it refused for another reason, or failed. */
export function refusalOf(words: string): Refusal | undefined {
  return WORDS.find(([, pattern]) => pattern.test(words))?.[0];
}
