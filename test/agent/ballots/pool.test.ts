import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { decodeBallot, encodeBallot } from "../../../src/agent/ballots/message.js";
import { BallotPool } from "../../../src/agent/ballots/pool.js";
import type { NodeBallot } from "../../../src/client/index.js";
import { messageOf } from "../../../src/errors.js";
import { systemClock } from "../../../src/utils/clock.js";
import { temporaryFolder } from "../../harness/folder.js";
import { altered, proposal, signed, signedByOperator } from "./signedBallots.js";

/** A node's folder, and the pools that it opens there one after another; what a crash would leave open is closed at the end. */
function folder() {
  const dir = temporaryFolder();
  const pools: BallotPool[] = [];
  const errors: unknown[] = [];
  onTestFinished(async () => {
    for (const pool of pools) await pool.close();
  });
  return {
    errors,
    path: (proposalId = proposal) => join(dir, `${proposalId}.jsonl`),
    files: async () => (await readdir(dir)).sort(),
    /** All that was ever written on a proposal. */
    async written(proposalId = proposal): Promise<(NodeBallot | undefined)[]> {
      const lines = (await readFile(join(dir, `${proposalId}.jsonl`), "utf8")).trimEnd().split("\n");
      const texts = lines.flatMap((line) => JSON.parse(line) as string[]);
      return texts.map((text) => decodeBallot(Buffer.from(text, "base64")));
    },
    async open(monotonic = () => 0): Promise<BallotPool> {
      const clock = { ...systemClock, monotonic };
      const pool = await BallotPool.open({ dir, clock, onError: (error) => errors.push(error) });
      pools.push(pool);
      return pool;
    },
  };
}

const votesOf = (pool: BallotPool, proposalId = proposal) => pool.list(proposalId).map(({ message }) => message);

describe("ballots of a node that stops", () => {
  const ballots = [signed(0, "for"), signed(1, "against"), signed(2, "abstain"), signed(0, "for", { proposalId: "8" })];

  it("are there when it starts again", async () => {
    const { open } = folder();
    const before = await open();
    for (const ballot of ballots) expect(before.add(ballot)).toBe("new");
    await before.close();
    const after = await open();
    // Nobody has verified what is on a disk.
    expect(votesOf(after)).toEqual([]);
    expect(after.takeRestored()).toEqual(ballots);
    expect(after.takeRestored()).toEqual([]);
    expect(after.proposals.toSorted()).toEqual(["7", "8"]);
  });

  it("are there after a kill too, once they were written", async () => {
    const { open } = folder();
    const killed = await open();
    for (const ballot of ballots) killed.add(ballot);
    await killed.flush();
    expect((await open()).takeRestored()).toEqual(ballots);
  });

  it("are written soon, though nobody asks for it", async () => {
    const { open, written } = folder();
    const killed = await open();
    for (const ballot of ballots) killed.add(ballot);
    await expect.poll(() => written().catch(messageOf)).toEqual(ballots.slice(0, 3));
  });

  it("are those of operators where these sign", async () => {
    const { open } = folder();
    const before = await open();
    const ballot = await signedByOperator(3, "against");
    before.add(ballot);
    await before.close();
    expect((await open()).takeRestored()).toEqual([ballot]);
  });

  it("keep both sides of an equivocation, and which came first", async () => {
    const { open } = folder();
    const [first, second] = [signed(3, "abstain"), signed(3, "for")];
    let pool = await open();
    expect([pool.add(first), pool.add(second), pool.add(signed(3, "against"))]).toEqual([
      "new",
      "equivocation",
      "known",
    ]);
    for (const _restart of [1, 2]) {
      await pool.close();
      pool = await open();
      const restored = pool.takeRestored();
      expect(restored).toEqual([first, second]);
      for (const ballot of restored) pool.add(ballot);
      expect(votesOf(pool)).toEqual([first]);
      expect(pool.equivocationOf(proposal, 3)).toEqual({ first, second });
    }
  });

  it("lose a last line that a crash has torn, and nothing else", async () => {
    const { open, path, written } = folder();
    const before = await open();
    before.add(signed(0, "for"));
    await before.flush();
    before.add(signed(1, "for"));
    await before.close();
    const text = Buffer.from(encodeBallot(signed(2, "for"))).toString("base64");
    await appendFile(path(), `["${text.slice(0, 50)}`);
    const after = await open();
    expect(after.takeRestored()).toEqual([signed(0, "for"), signed(1, "for")]);
    for (const index of [0, 1, 2]) after.add(signed(index, "for"));
    await after.close();
    expect(await written()).toEqual([0, 1, 2].map((index) => signed(index, "for")));
  });

  it("are none where something else wrote into the file, and the node starts", async () => {
    const { open, path } = folder();
    await writeFile(path(), "not a line of ours\n");
    const pool = await open();
    expect(pool.takeRestored()).toEqual([]);
  });
});

describe("the files of ballots", () => {
  it("hold each ballot once, however often the node restarts and hears it", async () => {
    const { open, written } = folder();
    const ballots = [0, 1, 2, 3].map((index) => signed(index, "for"));
    for (let restart = 0; restart < 4; restart++) {
      const pool = await open();
      for (const ballot of [...pool.takeRestored(), ...ballots.slice(0, restart + 1)]) pool.add(ballot);
      await pool.flush();
      for (const ballot of ballots.slice(0, restart + 1)) pool.add(ballot);
      await pool.close();
    }
    expect(await written()).toEqual(ballots);
  });

  it("hold a ballot once though it was forgotten and verified again", async () => {
    const { open, written } = folder();
    const pool = await open();
    const ballot = signed(0, "for");
    pool.add(ballot);
    await pool.flush();
    pool.forget(proposal, 0);
    expect(pool.get(proposal, 0)).toBeUndefined();
    expect(pool.add(ballot)).toBe("new");
    await pool.close();
    expect(await written()).toEqual([ballot]);
  });

  it("go with their votes, also of ballots that wait to be written", async () => {
    const { errors, files, open } = folder();
    const pool = await open();
    for (const proposalId of ["7", "8", "9"]) pool.add(signed(0, "for", { proposalId }));
    await pool.flush();
    pool.add(signed(1, "for"));
    pool.add(signed(1, "for", { proposalId: "10" }));
    await Promise.all(["7", "9", "10", "unheard of"].map((proposalId) => pool.drop(proposalId)));
    expect(pool.proposals).toEqual(["8"]);
    await pool.flush();
    expect(await files()).toEqual(["8.jsonl"]);
    await pool.close();
    expect((await open()).takeRestored()).toEqual([signed(0, "for", { proposalId: "8" })]);
    expect(errors).toEqual([]);
  });

  it("are not made any more once the node has stopped", async () => {
    const { files, open, written } = folder();
    const pool = await open();
    pool.add(signed(0, "for"));
    await pool.close();
    pool.add(signed(1, "for"));
    pool.add(signed(1, "for", { proposalId: "8" }));
    await pool.flush();
    expect(await files()).toEqual(["7.jsonl"]);
    expect(await written()).toEqual([signed(0, "for")]);
  });
});

describe("a pool", () => {
  it("counts the first of a node's ballots, and knows since when", async () => {
    const { open } = folder();
    let now = 1_000;
    const pool = await open(() => now);
    const ballot = signed(3, "for");
    expect(pool.add(ballot)).toBe("new");
    now = 2_000;
    expect([pool.add(ballot), pool.add(altered(ballot))]).toEqual(["known", "known"]);
    expect(pool.add(signed(3, "against"))).toBe("equivocation");
    expect(pool.list(proposal)).toEqual([{ message: ballot, since: 1_000 }]);
  });

  it("counts on how many proposals a node has a ballot", async () => {
    const { open } = folder();
    const pool = await open();
    for (const proposalId of ["7", "8", "9"]) pool.add(signed(3, "for", { proposalId }));
    pool.add(signed(4, "for"));
    expect(pool.countOf(3, (proposalId) => proposalId !== "8")).toBe(2);
    expect(pool.countOf(5, () => true)).toBe(0);
  });

  it("reports what it cannot write, keeps it, and writes it when it can", async () => {
    const { errors, open, path, written } = folder();
    const pool = await open();
    // A folder stands where the file would.
    await mkdir(path());
    pool.add(signed(0, "for"));
    await pool.flush();
    expect(errors.length).toBeGreaterThan(0);
    expect(votesOf(pool)).toEqual([signed(0, "for")]);
    await rm(path(), { recursive: true });
    await pool.flush();
    expect(await written()).toEqual([signed(0, "for")]);
  });
});
