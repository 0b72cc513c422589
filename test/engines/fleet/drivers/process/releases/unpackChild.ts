/**
 * A process that unpacks a bundle and, when it comes to the n-th file, kills itself as SIGKILL from outside would. Prints the
 * bundle. Arguments: one JSON object.
 */
import { writeSync } from "node:fs";
import { source } from "../../../../../ports/content/unixfs/tree.js";
import { bundleOf, countingSource, storeIn } from "./bundles.js";

export interface UnpackChildArguments {
  readonly dir: string;
  readonly killAtFile: number;
}

const { dir, killAtFile } = JSON.parse(process.argv[2] ?? "") as UnpackChildArguments;
const { source: from, store } = countingSource();
const bundle = await bundleOf(store, [
  source("server.mjs", "serve();"),
  source("bin/run", "#!/bin/sh\n", true),
  source("lib/deep/ü 𝌆.mjs", "deep"),
  source("empty", ""),
]);
writeSync(1, JSON.stringify(bundle));
let files = 0;
await storeIn(dir, {
  async *openTree(cid, options) {
    for await (const file of from.openTree(cid, options)) {
      files += 1;
      if (files === killAtFile) process.kill(process.pid, "SIGKILL");
      yield file;
    }
  },
}).ensure(bundle);
