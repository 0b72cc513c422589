import type { ContentStore } from "../../ports/content/index.js";
import type { DiskSpace } from "./diskSpace.js";

/**
 * A content store that refuses what the disk has no room for, before anything is written: files and documents first, then what
 * this node itself says. What is there can be read in any case.
 */
export function guardContent<Store extends ContentStore>(store: Store, space: Pick<DiskSpace, "require">): Store {
  return {
    ...store,
    put: async (bytes, options) => {
      space.require(options?.keep === "document" ? "file" : "record");
      return store.put(bytes, options);
    },
    putFile: async (source, options) => {
      space.require("file");
      return store.putFile(source, options);
    },
    putTree: async (files, options) => {
      space.require("file");
      return store.putTree(files, options);
    },
  };
}
