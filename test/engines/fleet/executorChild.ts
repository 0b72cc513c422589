/**
 * An executor as a process of its own, to be killed: carries an order out and, at the n-th step, kills itself as SIGKILL
 * from outside would. Arguments: one JSON object.
 */
import { carryOut, createProcessDriver, type WorkloadOrder } from "../../../src/engines/fleet/index.js";
import { timing } from "./timing.js";

export interface ExecutorChildArguments {
  readonly dir: string;
  readonly basePort: number;
  readonly directiveId: string;
  readonly order: WorkloadOrder;
  readonly killAtStep: number;
}

const { dir, basePort, directiveId, order, killAtStep } = JSON.parse(process.argv[2] ?? "") as ExecutorChildArguments;
let steps = 0;
await carryOut(order, {
  driver: createProcessDriver({ dir, workload: "web", basePort }),
  directiveId,
  ...timing,
  onStep: () => {
    if (++steps === killAtStep) process.kill(process.pid, "SIGKILL");
  },
});
