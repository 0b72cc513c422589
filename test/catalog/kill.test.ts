import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openCatalog } from "../../src/catalog/index.js";
import { createChain } from "../../src/ports/chain/index.js";
import { bundle } from "../harness/bundle.js";
import { killsOf, randomOf } from "../harness/children.js";
import { incidentOf, stateOf } from "../harness/dao.js";
import { type Network, startNetwork } from "../surfaces/network.js";
import { dump } from "./testCatalog.js";

const KILLS = killsOf(5);
const CHILDREN = 2;
const SEED = 20_261_121;

let network: Network;
let folder: string;
let expected: Record<string, unknown[]>;

beforeAll(async () => {
  network = await startNetwork();
  folder = await mkdtemp(join(tmpdir(), "witan-kill-"));
  for (let i = 0; i < 40; i++) {
    const client = network.setting.client(i % 5);
    await client.anchorRecords({
      records: [
        ...Array.from({ length: 12 }, (_, j) => ({
          kind: "State" as const,
          value: stateOf(client.account ?? "0x", i * 100 + j),
        })),
        { kind: "Incident" as const, value: incidentOf(`replica/web/${i % 7}`) },
      ],
    });
  }
  const path = join(folder, "expected.db");
  const chain = await createChain({ rpcUrl: network.node.rpcUrl, ...network.setting.witan.deployment });
  const catalog = await openCatalog({ path, chain, content: network.setting.content });
  await catalog.sync();
  await catalog.close();
  chain.close();
  expected = dump(path);
  expect(expected.records).toHaveLength(40 * 13);
}, 180_000);
afterAll(async () => {
  await network.close();
  await rm(folder, { recursive: true, force: true });
});

async function startChild(path: string): Promise<ChildProcess> {
  const script = await bundle(new URL("./syncChild.ts", import.meta.url));
  return spawn(process.execPath, [script, network.networkFile, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Runs a child until it is killed, at most `patienceMs` after it began to sync; tells whether it was done by then. */
async function runFor(path: string, patienceMs: number): Promise<{ done: boolean; syncedMs: number }> {
  const child = await startChild(path);
  const ended = once(child, "exit");
  let done = false;
  let began = 0;
  let finished = 0;
  for await (const line of createInterface(child.stdout as NonNullable<typeof child.stdout>)) {
    if (line === "ready") {
      began = performance.now();
      setTimeout(() => child.kill("SIGKILL"), patienceMs);
    }
    if (line === "done") {
      done = true;
      finished = performance.now();
    }
  }
  await ended;
  return { done, syncedMs: done ? finished - began : 0 };
}

it(`is killed ${KILLS} times while it syncs, and ends as an index that was built from zero`, async () => {
  const first = await runFor(join(folder, "first.db"), 60_000);
  expect(first.done).toBe(true);
  expect(dump(join(folder, "first.db"))).toEqual(expected);

  let kills = 0;
  let completed = 0;
  await Promise.all(
    Array.from({ length: CHILDREN }, async (_, lane) => {
      const next = randomOf(SEED + lane);
      for (let round = 0; kills < KILLS; round++) {
        const path = join(folder, `killed-${lane}-${round}.db`);
        for (;;) {
          const { done } = await runFor(path, Math.ceil(next() * first.syncedMs));
          if (!done) kills += 1;
          // What is there is whole at any moment, however far it came.
          expect(dump(path).integrity).toEqual(['{"integrity_check":"ok"}']);
          if (done || kills >= KILLS) break;
        }
        await runFor(path, 60_000);
        expect(dump(path)).toEqual(expected);
        completed += 1;
      }
    }),
  );
  expect(kills).toBeGreaterThanOrEqual(KILLS);
  expect(completed).toBeGreaterThanOrEqual(CHILDREN);
}, 3_600_000);
