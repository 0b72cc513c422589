import { InvalidInputError } from "../../../errors.js";
import type { Clock } from "../../../utils/clock.js";
import { parseCid } from "../cid.js";
import { MAX_PIN_NAME, type Pin, type Pins } from "../maintenance.js";
import type { PinTable } from "./tables/pinTable.js";

/** The pin that a put with `keep` writes: of one block, or of the tree of a file. */
export function pinFor(keep: string, cid: string, scope: Pin["scope"], since: number): Pin {
  return checked({ name: `${keep}/${cid}`, cid, reason: keep, scope, since });
}

/** @throws {InvalidInputError} on a name or a reason that is empty or too long. */
function checked(pin: Pin): Pin {
  for (const text of [pin.name, pin.reason]) {
    if (typeof text === "string" && text.length > 0 && text.length <= MAX_PIN_NAME) continue;
    throw new InvalidInputError(`The name and the reason of a pin have 1 to ${MAX_PIN_NAME} characters.`);
  }
  return pin;
}

/** The pins of a store on disk. */
export function createPins(table: PinTable, clock: Clock): Pins {
  return {
    async set({ name, cid, reason, scope = "tree", since = clock.now() }) {
      parseCid(cid);
      await table.set(checked({ name, cid, reason, scope, since }));
    },
    drop: (name) => table.drop(name),
    get: (name) => table.get(name),
    list: () => table.list(),
  };
}
