import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { AgentDefaults } from "../../src/agent/defaults.js";
import { type Life, live } from "./life/simulatedLife.js";
import type { Bench } from "./run.js";

/** Gas of one anchor of one node, and of a joint anchor by its authors: `npm run bench -- votes` measures both. */
const GAS_ALONE = 59_347;
const GAS_JOINT: Readonly<Record<number, number>> = { 5: 273_000, 8: 276_878, 50: 303_482, 500: 290_418 };
const MIN_JOINT = 5;
const SIZES = [3, 5, 8, 50, 500];
const MB = 1024 ** 2;

/** What it was when states were anchored every minute, jointly from eight nodes on, kept for ever, and indexed in memory. */
const BEFORE = { anchorsADay: 1_440, minJoint: 8, bytesOfMemoryARecord: 820 };

/** Gas of states, for each node and day. */
function gasOf(nodes: number, anchorsADay: number, minJoint: number): number {
  const joint = GAS_JOINT[nodes];
  const gas = nodes >= minJoint && joint !== undefined ? joint / nodes : GAS_ALONE;
  return Math.round(anchorsADay * gas);
}

/**
 * The states of a long life, in virtual time: gas, memory and disk of one agent, in meshes of five sizes. After 37 days, a month of
 * retention and a week, the first states are forgotten and the index grows no more: `--days` is 60 by default, which says as much
 * as a year and takes ten minutes; `--nodes` runs one size.
 *
 * The index is measured while it is open, with a log of up to 32 MB, and after it was closed.
 */
export async function bench(args: readonly string[]): Promise<Bench> {
  const { values } = parseArgs({ args: [...args], options: { days: { type: "string" }, nodes: { type: "string" } } });
  setFlagsFromString("--expose-gc");
  (globalThis as { gc?: unknown }).gc = runInNewContext("gc");
  const sizes = values.nodes === undefined ? SIZES : [Number(values.nodes)];
  const table: Bench["table"] = [];
  const lives: Record<string, unknown>[] = [];
  for (const nodes of sizes) {
    const days = Number(values.days ?? 60);
    const calm = await lifeOf(nodes, days, false);
    const flapping = await lifeOf(Math.min(nodes, 3), 7, true);
    const [before, gas] = [
      gasOf(nodes, BEFORE.anchorsADay, BEFORE.minJoint),
      gasOf(nodes, calm.anchorsADay, MIN_JOINT),
    ];
    const memoryBefore = (nodes * BEFORE.anchorsADay * 365 * BEFORE.bytesOfMemoryARecord) / MB;
    const [steady, end] = calm.indexBytes;
    table.push({
      nodes,
      days,
      "gas a node and day": gas,
      "gas before": before,
      "memory grown, MB": round(calm.heapGrowth / MB),
      "memory before, MB a year": Math.round(memoryBefore),
      "index, MB": `${round(steady / MB)} then ${round(end / MB)}`,
      "held, MB": round(calm.heldBytes / MB),
      missing: calm.missing,
    });
    lives.push({
      ...{ nodes, days, gas, gasBefore: before, anchorsADay: round(calm.anchorsADay) },
      ...{ statesADay: round(calm.statesADay), statesADayFlapping: round(flapping.statesADay) },
      ...{ memoryGrownMb: round(calm.heapGrowth / MB), memoryBeforeMbAYear: Math.round(memoryBefore) },
      ...{ indexMbSteady: round(steady / MB), indexMbEnd: round(end / MB), heldMb: round(calm.heldBytes / MB) },
      ...{ records: calm.records, missing: calm.missing },
    });
  }
  return { table, report: { bench: "life", lives } };
}

async function lifeOf(nodes: number, days: number, isFlapping: boolean): Promise<Life> {
  // In memory where the system has such a folder: sizes are measured, and not the disk.
  const parent = await stat("/dev/shm").then(
    () => "/dev/shm",
    () => tmpdir(),
  );
  const dir = await mkdtemp(join(parent, "witan-life-"));
  try {
    const { anchorEveryMs } = AgentDefaults;
    return await live({ nodes, days, dir, isFlapping, anchorEveryMs, isJoint: nodes >= MIN_JOINT });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
