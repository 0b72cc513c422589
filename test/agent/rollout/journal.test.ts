import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { RolloutJournal } from "../../../src/agent/rollout/journal.js";
import { NEW_PROGRESS, NEW_WITNESS } from "../../../src/policy/rollout/index.js";
import { temporaryFolder } from "../../harness/folder.js";
import { hex } from "../../policy/rollout/fixtures.js";

const directive = hex("d");
const reports = [{ stage: 0, result: "ready", at: 1_100, note: "" }] as const;

async function opened(path: string): Promise<RolloutJournal> {
  const journal = await RolloutJournal.open(path);
  onTestFinished(() => journal.close().catch(() => undefined));
  return journal;
}

async function filled() {
  const path = join(temporaryFolder(), "rollouts.jsonl");
  const journal = await opened(path);
  const state = { ...journal.replica(directive, "web/1"), phase: "serving", begun: 2, reports } as const;
  await journal.record({ ...state, phase: "taking" });
  await journal.record(state);
  await journal.recordAttempt({ replica: "web/1", directive, attempt: 3 });
  await journal.recordMemory(directive, { ...NEW_WITNESS, interval: 7 });
  await journal.recordRestarts("web/1", [1, 2]);
  return { path, journal, state };
}

it("knows after a crash what was recorded last", async () => {
  const { path, state } = await filled();
  const again = await opened(path);
  expect(again.replica(directive, "web/1")).toEqual(state);
  expect(again.replicasOf(directive)).toEqual([state]);
  expect(again.attempt("web/1", directive)).toBe(3);
  expect(again.memory(directive).interval).toBe(7);
  expect(again.restarts("web/1")).toEqual([1, 2]);
  expect(again.replica(directive, "web/2")).toMatchObject({ phase: "old", begun: null, progress: NEW_PROGRESS });
});

it("forgets rollouts and replicas that are over, for good", async () => {
  const { path, journal } = await filled();
  await journal.keepOnly(new Set([directive]), new Set());
  expect(journal.replicasOf(directive)).toEqual([]);
  expect(journal.attempt("web/1", directive)).toBe(3);
  await journal.keepOnly(new Set(), new Set());
  await journal.close();
  const again = await opened(path);
  expect(again.attempt("web/1", directive)).toBe(0);
  expect(again.memory(directive)).toEqual(NEW_WITNESS);
  expect(again.restarts("web/1")).toEqual([]);
});

it("does not grow with what is recorded again and again", async () => {
  const { path, journal } = await filled();
  const lines = async () => (await readFile(path, "utf8")).split("\n").length;
  for (let at = 0; at < 300; at++) await journal.recordRestarts("web/1", [at]);
  expect(await lines()).toBeLessThan(100);
  expect(journal.restarts("web/1")).toEqual([299]);
  expect(journal.attempt("web/1", directive)).toBe(3);
});

it("goes on with what can be read of a damaged file", async () => {
  const { path, state } = await filled();
  await appendFile(path, '{"kind":"replica","state":{}}\n{"kind":"attempt"}\n');
  const again = await opened(path);
  expect(again.damage?.code).toBe("journal-corrupt");
  expect(again.replica(directive, "web/1")).toEqual(state);
});
