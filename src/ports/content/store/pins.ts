import { InvalidInputError } from "../../../errors.js";
import { parseCid } from "../cid.js";
import { MAX_PIN_NAME, type Pin, type Pins } from "../maintenance.js";
import type { VerifiedBlocks } from "./verifiedBlocks.js";

/** The root that a put with `keep` writes: of that one block, or of the tree of a file. */
export function keptAs(keep: string, cid: string, scope: Pin["scope"]): Pin {
  return checked({ name: `${keep}/${cid}`, cid, reason: keep, scope, since: Date.now() });
}

/** @throws {InvalidInputError} on a name or a reason that is none. */
function checked(root: Pin): Pin {
  for (const text of [root.name, root.reason]) {
    if (typeof text === "string" && text.length > 0 && text.length <= MAX_PIN_NAME) continue;
    throw new InvalidInputError(`The name and the reason of a root have 1 to ${MAX_PIN_NAME} characters.`);
  }
  return root;
}

/** The roots of a store on disk. */
export function createPins(blocks: VerifiedBlocks): Pins {
  return {
    async set({ name, cid, reason, scope = "tree", since = Date.now() }) {
      parseCid(cid);
      await blocks.setRoot(checked({ name, cid, reason, scope, since }));
    },
    drop: (name) => blocks.dropRoot(name),
    get: (name) => blocks.getRoot(name),
    list: () => blocks.listRoots(),
  };
}
