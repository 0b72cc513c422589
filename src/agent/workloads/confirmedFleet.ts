import type { PlacedFleet, PlacementReader } from "../../client/index.js";
import { type Chain, type FinalityRule, readFinalHeader } from "../../ports/chain/index.js";

export interface ConfirmedFleetDependencies {
  readonly chain: Chain;
  readonly placement: PlacementReader;
  readonly finality: FinalityRule;
}

/** The fleet as of the newest confirmed block. */
export class ConfirmedFleet {
  readonly #dependencies: ConfirmedFleetDependencies;

  constructor(dependencies: ConfirmedFleetDependencies) {
    this.#dependencies = dependencies;
  }

  /** Undefined while no block is confirmed. @throws ChainError. */
  async read(signal?: AbortSignal): Promise<PlacedFleet | undefined> {
    const { chain, finality, placement } = this.#dependencies;
    const header = await readFinalHeader(chain, finality);
    return header && placement.at(header.number, signal);
  }
}
