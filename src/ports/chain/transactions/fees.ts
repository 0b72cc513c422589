import { InvalidInputError } from "../../../errors.js";
import { ChainError } from "../errors.js";
import type { FailoverProvider } from "../rpc/provider.js";
import { bigQuantityOf, quantityOf } from "../rpc/quantity.js";

/** What a transaction offers for one unit of gas, in wei. On a chain without EIP-1559 both are its gas price. */
export interface Fees {
  /** The most that it pays in all. */
  readonly max: bigint;
  /** What the block's author gets of it. */
  readonly tip: bigint;
}

/** What the chain asks now, in wei for one unit of gas. */
export interface Market {
  /** The number of the newest block. */
  readonly head: number;
  /** The newest block's base fee; undefined on a chain without EIP-1559. */
  readonly base: bigint | undefined;
  /** What gets a transaction into one of the next blocks, above the base fee if there is one. */
  readonly tip: bigint;
}

/** geth's tip if it has seen no transactions, for nodes that suggest none. */
const DEFAULT_TIP = 1_000_000_000n;

/**
 * The most that a unit of gas may cost if nothing else is configured, in wei: 500 gwei, above what Ethereum has asked on all but
 * its worst days. A cap that is too high costs money, and one that is too low only time.
 */
export const DEFAULT_MAX_FEE = 500_000_000_000n;

/** By how much a replacement pays more, in thousandths, in both fees: most clients ask for 100, OpenEthereum's for 125. */
const BUMP_PER_MILLE = 125n;

/** Reads what the chain asks. */
export async function readMarket(rpc: Pick<FailoverProvider, "send">): Promise<Market> {
  type Block = { readonly number: unknown; readonly baseFeePerGas?: unknown } | null;
  const block: Block = await rpc.send("eth_getBlockByNumber", ["latest", false]);
  const head = quantityOf(block?.number, "the number of its newest block");
  // Where there is no base fee, some nodes say null.
  const base = block?.baseFeePerGas ?? undefined;
  if (base !== undefined) return { head, base: bigQuantityOf(base, "the base fee"), tip: await readTip(rpc) };
  return { head, base: undefined, tip: bigQuantityOf(await rpc.send("eth_gasPrice", []), "the price of gas") };
}

async function readTip(rpc: Pick<FailoverProvider, "send">): Promise<bigint> {
  try {
    return BigInt(await rpc.send("eth_maxPriorityFeePerGas", []));
  } catch (error) {
    if (error instanceof ChainError) throw error;
    // The method is not part of the specification, and some nodes do not have it.
    return DEFAULT_TIP;
  }
}

/** The least that gets a transaction into the next block. */
export function leastOf({ base = 0n, tip }: Pick<Market, "base" | "tip">): bigint {
  return base + tip;
}

/** Enough for six full blocks, of which each raises the base fee by an eighth: 2 base + tip. */
export function feesFor({ base, tip }: Pick<Market, "base" | "tip">): Fees {
  return base === undefined ? { max: tip, tip } : { max: 2n * base + tip, tip };
}

/**
 * What a transaction has to offer so that a pool takes it for one that offers `last`. Pools compare both fees, strictly, and
 * round in ways of their own: one wei more than the percentage satisfies all.
 */
export function bumped({ max, tip }: Fees): Fees {
  const raise = (fee: bigint) => (fee * (1_000n + BUMP_PER_MILLE) + 999n) / 1_000n + 1n;
  return { max: raise(max), tip: raise(tip) };
}

/**
 * The tip of what blocks have left out although it offered what the node suggests. Some suggest none, or next to none, where block
 * builders take nothing for it: eight times as much and at least an eighth of the base fee, as long as that is below geth's tip.
 */
export function tipAfterLeftOut(tip: bigint, base: bigint | undefined): bigint {
  if (base === undefined || tip >= DEFAULT_TIP) return tip;
  const raised = 8n * tip > base / 8n ? 8n * tip : base / 8n;
  return raised < DEFAULT_TIP ? raised : DEFAULT_TIP;
}

/** The higher of each. */
export function highest(one: Fees, other: Fees): Fees {
  return { max: one.max > other.max ? one.max : other.max, tip: one.tip > other.tip ? one.tip : other.tip };
}

/** No more than `cap` in all; the tip is a part of it. */
export function capped({ max, tip }: Fees, cap: bigint): Fees {
  const most = max < cap ? max : cap;
  return { max: most, tip: tip < most ? tip : most };
}

/** A number of gwei, in wei. @throws {@link InvalidInputError} if it is no number above 0. */
export function fromGwei(gwei: number): bigint {
  const thousandths = Math.round(gwei * 1_000);
  if (thousandths > 0 && Number.isSafeInteger(thousandths)) return BigInt(thousandths) * 1_000_000n;
  throw new InvalidInputError(`A price of gas is a number of gwei above 0, not ${gwei}.`);
}

/** Gwei, for messages: three digits behind the point. */
export function inGwei(wei: bigint): string {
  return `${Number(wei / 1_000_000n) / 1_000} gwei`;
}

/** Whether a pool takes `fees` for those of a replacement, where `least` is {@link bumped} of what it has. */
export function reaches(fees: Fees, least: Fees): boolean {
  return fees.max >= least.max && fees.tip >= least.tip;
}
