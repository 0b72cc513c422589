import type { CID } from "multiformats/cid";
import type { Pin } from "../maintenance.js";
import { blockKey } from "./blockKeys.js";

/** Blocks that gc spares while they are held: those of a file whose pin is not written yet. */
export interface GcHold {
  add(cid: CID): void;
  release(): void;
}

/** What is written while gc runs, which gc therefore must spare. */
export interface WriteWatch {
  readonly touched: ReadonlySet<string>;
  /** Pins set since the last call. */
  drainPins(): Pin[];
  hasPins(): boolean;
  end(): void;
}

/** Who watches the writes of a store, and which blocks are held. */
export class WriteWatches {
  readonly #held = new Set<Set<string>>();
  readonly #watches = new Set<{ touched: Set<string>; pins: Pin[] }>();

  hold(): GcHold {
    const held = new Set<string>();
    this.#held.add(held);
    return { add: (cid) => held.add(blockKey(cid)), release: () => this.#held.delete(held) };
  }

  isHeld(key: string): boolean {
    for (const keys of this.#held) if (keys.has(key)) return true;
    return false;
  }

  watch(): WriteWatch {
    const watch = { touched: new Set<string>(), pins: [] as Pin[] };
    this.#watches.add(watch);
    return {
      touched: watch.touched,
      drainPins: () => watch.pins.splice(0),
      hasPins: () => watch.pins.length > 0,
      end: () => this.#watches.delete(watch),
    };
  }

  /** Tells all who watch what was written. */
  onWritten({ keys, pins }: { readonly keys: readonly string[]; readonly pins: readonly Pin[] }): void {
    for (const watch of this.#watches) {
      for (const key of keys) watch.touched.add(key);
      watch.pins.push(...pins);
    }
  }
}
