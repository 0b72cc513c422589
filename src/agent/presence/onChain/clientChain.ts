import type { Client } from "../../../client/index.js";
import type { PresenceChain } from "./chain.js";
import { SignedSeats } from "./signedSeats.js";

/** Presence on chain, as a client reads and changes it. */
export function createPresenceChain(
  client: Pick<Client, "chain" | "listPresence" | "returnToCommittee">,
): PresenceChain {
  const signed = new SignedSeats(client.chain);
  return {
    heldOffIndices: async () => new Set((await client.listPresence()).heldOff.map(({ index }) => index)),
    signedIndices: (committees) => signed.read(committees),
    async returnNow() {
      await client.returnToCommittee();
    },
  };
}
