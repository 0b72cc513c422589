import type { Address } from "../../../src/records/index.js";
import { type TestDao, useTestDao } from "../dao.js";
import { operatorKey, shortTracks } from "../deploy.js";

/** Five nodes, of which the operator of node 4 is the guardian. */
export function useGuardedDao(): TestDao {
  return useTestDao({ nodes: 5, guardian: operatorKey(4).address as Address });
}

/** Nodes whose votes on membership, which no fast path ends, take a minute. */
export function useChangingDao(nodes: number): TestDao {
  const tracks = { ...shortTracks, membership: { ...shortTracks.membership, votingPeriod: 60 } };
  return useTestDao({ nodes, tracks });
}
