import { type Client, createPlacementReader, type PlacedFleet } from "../../../client/index.js";

/** The fleet at the newest block. */
export async function readFleet({ chain, content }: Client): Promise<PlacedFleet> {
  return createPlacementReader({ chain, content }).at(await chain.blockNumber());
}
