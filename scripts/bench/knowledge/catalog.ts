import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openDatabase } from "../../../src/catalog/database/database.js";
import { openCatalog } from "../../../src/catalog/index.js";
import type { RecordFilter } from "../../../src/catalog/queries/query.js";
import { pageOfRecords } from "../../../src/catalog/queries/recordQuery.js";
import { createChain, type Deployment } from "../../../src/ports/chain/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { authors, fill } from "./filledCatalog.js";

interface FloodedChain {
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  close(): Promise<void>;
}

/** Starts a development chain with very many events in its own process, so that its work is not measured. */
async function startFloodedChain(events: number, perBlock: number): Promise<FloodedChain> {
  const script = fileURLToPath(new URL("./floodedChain.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, String(events), String(perBlock)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  for await (const line of createInterface(child.stdout)) {
    if (!line.startsWith("{")) continue;
    const { rpcUrl, deployment } = JSON.parse(line) as Omit<FloodedChain, "close">;
    return {
      rpcUrl,
      deployment,
      async close() {
        child.stdin.end();
        await ended;
      },
    };
  }
  throw new Error("the chain's process ended before it was ready");
}

/** Runs `work` with a folder that is deleted afterwards. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "witan-bench-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Blocks per request of the raw reader: about as many as the catalog asks for at once. */
const RAW_BLOCKS = 40;

export interface IndexFigures {
  /** Events fetched, decoded, written and committed per second, into an empty file: the median of the runs. */
  readonly eventsPerSecond: number;
  /** The bound: the same answers of the same node, requested one after the other, parsed and dropped. */
  readonly rawPerSecond: number;
  readonly events: number;
  readonly perBlock: number;
  readonly runs: readonly { readonly eventsPerSecond: number; readonly rawPerSecond: number }[];
}

/** Measures how fast a catalog catches up with a chain over HTTP. */
export async function measureIndex({ events = 100_000, perBlock = 100, runs = 3 } = {}): Promise<IndexFigures> {
  const flooded = await startFloodedChain(events, perBlock);
  const chain = await createChain({ rpcUrl: flooded.rpcUrl, ...flooded.deployment });
  try {
    const rates: { eventsPerSecond: number; rawPerSecond: number }[] = [];
    for (let run = 0; run < runs; run++) {
      const rawPerSecond = await readRaw();
      rates.push({ eventsPerSecond: await inFolder((folder) => catchUp(join(folder, "catalog.db"))), rawPerSecond });
    }
    const middle = (name: "eventsPerSecond" | "rawPerSecond") => median(rates.map((rate) => rate[name]));
    return {
      eventsPerSecond: middle("eventsPerSecond"),
      rawPerSecond: middle("rawPerSecond"),
      events,
      perBlock,
      runs: rates,
    };
  } finally {
    chain.close();
    await flooded.close();
  }

  async function readRaw(): Promise<number> {
    const head = await chain.blockNumber();
    const address = flooded.deployment.contracts.KnowledgeRegistry;
    const start = systemClock.monotonic();
    let read = 0;
    for (let from = flooded.deployment.deployedAtBlock; from <= head; from += RAW_BLOCKS) {
      const range = { address, fromBlock: hex(from), toBlock: hex(Math.min(head, from + RAW_BLOCKS - 1)) };
      const response = await fetch(flooded.rpcUrl, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getLogs", params: [range] }),
      });
      read += ((await response.json()) as { result: unknown[] }).result.length;
    }
    return Math.round(read / ((systemClock.monotonic() - start) / 1_000));
  }

  async function catchUp(path: string): Promise<number> {
    const catalog = await openCatalog({ path, chain, content: createMemoryContent() });
    const stop = new AbortController();
    const start = systemClock.monotonic();
    let [read, end] = [0, start];
    await catalog
      .sync({
        signal: stop.signal,
        onProgress(progress) {
          // No store has the manifests of these anchors: only reading the chain is measured.
          if (progress.stage === "content") return stop.abort();
          [read, end] = [progress.events, systemClock.monotonic()];
        },
      })
      .catch((error: unknown) => {
        if (!stop.signal.aborted) throw error;
      });
    await catalog.close();
    if (read < events) throw new Error(`the catalog holds ${read} events of ${events}`);
    return Math.round(read / ((end - start) / 1_000));
  }
}

/** The filter of each measured query, by its name in the report. */
const questions: Readonly<Record<string, RecordFilter>> = {
  newest: {},
  kind: { kind: "Incident" },
  author: { author: authors[7] },
  authorAndKind: { author: authors[7], kind: "Outcome" },
  severity: { severity: "critical" },
  authorAndSeverity: { author: authors[8], severity: "critical" },
  state: { state: "HARMONIC" },
  subject: { subject: "replica/web/500" },
  round: { round: 250 },
  name: { name: "model-3" },
  time: { since: 1_700_000_500, until: 1_700_001_000 },
  words: { text: "web-500" },
  commonWord: { text: "process" },
  wordsAndAuthor: { text: "restarted", author: authors[9] },
};

const PAGE = 50;
const ROUNDS = 25;

/** The cost of the records added since the previous size: elapsed time, and processor time of this process. */
export interface Growth {
  readonly records: number;
  readonly microsecondsPerRecord: number;
  readonly cpuMicrosecondsPerRecord: number;
}

export interface QueryFigures {
  readonly records: number;
  /** The median time of a page of the slowest query. */
  readonly pageMs: number;
  readonly questions: Readonly<Record<string, { readonly medianMs: number; readonly worstMs: number }>>;
  /** The cost of writing a record whose events and content are fetched already, at each size. */
  readonly growth: readonly Growth[];
}

/** Measures pages of a large catalog in a file, contents included, and the cost of writing while it grows. */
export async function measureQuery({ records = 1_000_000 } = {}): Promise<QueryFigures> {
  return inFolder(async (folder) => {
    const db = await openDatabase(join(folder, "catalog.db"));
    const growth: Growth[] = [];
    let filled = 0;
    for (const size of [1_000, 10_000, 100_000, 1_000_000].filter((each) => each <= records)) {
      const [start, cpu] = [systemClock.monotonic(), process.cpuUsage()];
      fill(db, filled, size);
      const { user, system } = process.cpuUsage(cpu);
      growth.push({
        records: size,
        microsecondsPerRecord: round(((systemClock.monotonic() - start) / (size - filled)) * 1_000),
        cpuMicrosecondsPerRecord: round((user + system) / (size - filled)),
      });
      filled = size;
    }
    const figures = Object.entries(questions).map(([name, filter]) => {
      const times: number[] = [];
      let cursor: string | null = null;
      for (let i = 0; i < ROUNDS; i++) {
        const start = systemClock.monotonic();
        const page = pageOfRecords(
          db,
          { ...filter, ...(cursor === null ? {} : { cursor }) },
          { block: 1, through: 1 },
          PAGE,
        );
        times.push(systemClock.monotonic() - start);
        if (page.records.length === 0) throw new Error(`nothing is found by ${name}`);
        // Each round reads the next page, and starts again after the last one.
        cursor = page.cursor;
      }
      return [name, { medianMs: round(median(times)), worstMs: round(Math.max(...times)) }] as const;
    });
    db.close();
    const pageMs = Math.max(...figures.map(([, { medianMs }]) => medianMs));
    return { records: filled, pageMs, questions: Object.fromEntries(figures), growth };
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
