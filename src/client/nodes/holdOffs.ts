import type { Chain } from "../../ports/chain/index.js";
import type { Membership } from "./membership.js";

/** Until when seats that returned cannot be suspended again. */
export interface HoldOffs {
  /** By index, in seconds since 1970, of the members that ever returned; also those whose end is past. */
  read(): Promise<ReadonlyMap<number, number>>;
}

/** Asks the contract once for each return of a seat. */
export function createHoldOffs(
  chain: Pick<Chain, "contracts" | "read">,
  membership: Pick<Membership, "readPresence">,
): HoldOffs {
  let known = new Map<number, { readonly from: string; readonly until: number }>();
  return {
    async read() {
      const { returned } = await membership.readPresence();
      const entries = await Promise.all(
        [...returned].map(async ([index, from]) => {
          const before = known.get(index);
          if (before?.from === from) return [index, before] as const;
          const until = Number(await chain.read(() => chain.contracts.presences.holdOffEnd(index)));
          return [index, { from, until }] as const;
        }),
      );
      known = new Map(entries);
      return new Map(entries.map(([index, { until }]) => [index, until]));
    },
  };
}
