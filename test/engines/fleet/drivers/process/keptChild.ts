/** Starts a replica as an agent would, says so, and waits to be killed. Arguments: one JSON object. */
import { createProcessDriver } from "../../../../../src/engines/fleet/index.js";
import type { Release } from "../../../../../src/records/index.js";

export interface KeptChildArguments {
  readonly dir: string;
  readonly basePort: number;
  readonly release: Release;
  readonly maxLogBytes: number;
}

const { dir, basePort, release, maxLogBytes } = JSON.parse(process.argv[2] ?? "") as KeptChildArguments;
await createProcessDriver({ dir, workload: "web", basePort, maxLogBytes }).create({ release, replicas: 1 });
setInterval(() => undefined, 60_000);
console.log("started");
