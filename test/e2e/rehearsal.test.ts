import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Rehearsal } from "../../scripts/rehearsal/rehearse.js";
import { startHardhatNode } from "../harness/hardhatNode.js";

const MAIN = join(import.meta.dirname, "..", "..", "scripts", "rehearsal", "main.ts");

/** Runs the command as a person would. */
async function rehearsal(...args: readonly string[]): Promise<{ code: number | null; out: string; progress: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", MAIN, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [out, progress] = ["", ""];
  child.stdout.on("data", (text: Buffer) => {
    out += text.toString();
  });
  child.stderr.on("data", (text: Buffer) => {
    progress += text.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, out, progress };
}

it("rehearses votes in processes of their own, one in five of its nodes hostile", async () => {
  const chain = await startHardhatNode();
  onTestFinished(() => chain.close());
  const args = ["--nodes", "20", "--processes", "2", "--hostile", "20", "--proposals", "2", "--rpc", chain.rpcUrl];
  const { code, out, progress } = await rehearsal(...args, "--json");
  expect({ code, progress }).toMatchObject({ code: 0 });
  const { votes, hosts }: Rehearsal = JSON.parse(out);
  expect(votes).toHaveLength(2);
  for (const { transactions, votes: tally, hostileMessages } of votes) {
    // Eleven of twenty end a vote; hostile ballots that are signed count, once each.
    expect(tally.for).toBeGreaterThanOrEqual(11);
    expect(tally.for + tally.against + tally.abstain).toBeLessThanOrEqual(20);
    expect(transactions.reduce((sum, { ballots }) => sum + ballots, 0)).toBe(tally.for + tally.against + tally.abstain);
    expect(hostileMessages).toBe(44);
  }
  expect(hosts.map(({ name, nodes }) => `${name} ${nodes}`)).toEqual(["host-1 8", "host-2 8", "hostile 4"]);
  expect(progress).toContain("20 of 20 nodes admitted");
  expect(progress).toMatch(/\[█+.*\] \d+ for, .* of 20/);
}, 180_000);

it("says in one sentence that there is no chain", async () => {
  const { code, progress } = await rehearsal("--nodes", "2", "--rpc", "http://127.0.0.1:1");
  expect(code).toBe(3);
  expect(progress).toContain("rehearsal: The RPC at http://127.0.0.1:1 cannot be reached.");
});
