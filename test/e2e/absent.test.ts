import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IssuedDirective } from "../../src/client/index.js";
import { subjectHash } from "../../src/records/index.js";
import { systemClock } from "../../src/utils/clock.js";
import { randomOf } from "../harness/children.js";
import { soakSeed } from "../harness/soak.js";
import type { RunningAgents } from "./runningAgents.js";

const AGENTS = 5;
const REPLICAS = 6;
const KILLED = 2;
/** How long a replica may be dead. */
const HEALED_WITHIN_SECONDS = 60;
/** Replicas that are killed one after another once both have returned, until both have voted on a Restart. */
const MIN_ORDERS = 3;
const MAX_ORDERS = 12;
/** What a failure takes; none of these waits is a promise. */
const PATIENCE_MS = 300_000;
const POLL_MS = 250;

if (soakSeed === undefined) {
  it.skip("SKIPPED: agents that stay dead are suspended, and return, in `npm run soak -- absent` alone: it takes minutes", () =>
    undefined);
} else {
  soak(soakSeed);
}

function soak(seed: number): void {
  describe(`five agents on default tracks, of which two are killed and stay dead (seed ${seed})`, () => {
    let running: RunningAgents;
    const random = randomOf(seed);
    // The first number is much the same for all small seeds.
    random();
    const dead = drawn(KILLED, AGENTS, random);
    const told: string[] = [];
    let deaths = 0;

    beforeAll(async () => {
      // Loaded here, so that a run that skips this does not load a chain.
      const { startAgents } = await import("./runningAgents.js");
      running = await startAgents({ agents: AGENTS, replicas: REPLICAS });
      const { client, members, screen } = running;
      screen.act("Five agents run, on default tracks and settings");
      await until("every agent's first state", async () => {
        const states = await client.listRecords({ kind: "State", limit: 1_000 });
        const authors = new Set(states.map(({ author }) => author.toLowerCase()));
        return members.every(({ agent }) => authors.has(agent.address.toLowerCase())) || undefined;
      });
    }, 180_000);

    afterAll(async () => {
      await running?.close();
      process.stdout.write(`\nMeasured, seed ${seed}:\n${told.map((line) => `  ${line}\n`).join("")}`);
    }, 60_000);

    it(
      "suspends both by a vote of the others",
      async () => {
        const { agents, client, screen } = running;
        expect((await client.listPresence()).presence).toBe(0);
        screen.act(`kill -9 of the agents of seats ${dead.join(" and ")}`);
        await Promise.all(dead.map((index) => agents.kill(index)));
        const since = stopwatch();
        let before = 0;
        await until("both to be suspended", async () => {
          const { suspended } = await client.listPresence();
          if (suspended.length > before) tell(`${since()} s after the kills: suspended are ${suspended.join()}`);
          before = suspended.length;
          return suspended.length === KILLED || undefined;
        });
        expect((await client.listPresence()).suspended).toEqual(dead);
      },
      2 * PATIENCE_MS,
    );

    it(
      `heals a replica within ${HEALED_WITHIN_SECONDS} s of its death while they are dead`,
      async () => {
        const { directive, seconds } = await killAndHeal();
        expect(seconds).toBeLessThanOrEqual(HEALED_WITHIN_SECONDS);
        const voters = await votersOn(directive);
        expect(voters.filter((index) => dead.includes(index))).toEqual([]);
        expect((await running.client.listPresence()).suspended).toEqual(dead);
      },
      2 * PATIENCE_MS,
    );

    it(
      "counts both again once they run, by their own word",
      async () => {
        const { agents, client, members, screen } = running;
        screen.act("Both agents are started again");
        const since = stopwatch();
        await Promise.all(dead.map((index) => agents.revive(index)));
        tell(`${since()} s after the start of both: they answer`);
        await until("nobody to be suspended", async () => {
          const { suspended } = await client.listPresence();
          return suspended.length === 0 || undefined;
        });
        tell(`${since()} s after the start of both: nobody is suspended`);
        const returned = await client.chain.events({ names: ["Returned"] });
        expect(new Set(returned.map(({ args }) => Number(args.index)))).toEqual(new Set(dead));
        for (const { args, transactionHash } of returned) {
          const sent = (await client.chain.provider.send("eth_getTransactionByHash", [transactionHash])) as {
            from: string;
          };
          expect(sent.from.toLowerCase()).toBe(members[Number(args.index)]?.agent.address.toLowerCase());
        }
      },
      2 * PATIENCE_MS,
    );

    it("heals with the votes of both", async () => {
      const { client } = running;
      const missing = new Set(dead);
      for (let order = 1; order <= MIN_ORDERS || (missing.size > 0 && order <= MAX_ORDERS); order++) {
        const { directive } = await killAndHeal();
        for (const index of await votersOn(directive)) missing.delete(index);
        expect((await client.listPresence()).suspended).toEqual([]);
      }
      expect([...missing]).toEqual([]);
      const opened = (await client.listProposals()).filter(({ directive }) => directive?.kind === "Restart");
      tell(`${deaths} replicas were killed; ${opened.length} proposals of a Restart were opened`);
      // One order for both, or one for each; none for a seat that returned.
      expect((await client.chain.events({ names: ["Suspended"] })).length).toBeLessThanOrEqual(KILLED);
    }, 1_800_000);

    function tell(line: string): void {
      told.push(line);
      running.screen.line(line);
    }

    /** Kills the process of a replica; resolves once another one runs and the Restart is done, with the seconds that took. */
    async function killAndHeal(): Promise<{ directive: IssuedDirective; seconds: number }> {
      const { client, replicas, screen } = running;
      const all = await replicas();
      const victim = all[Math.floor(random() * all.length)];
      if (!victim?.instance) throw new Error("There is no replica to kill.");
      const { instance, subject } = victim;
      const fromBlock = await client.chain.blockNumber();
      process.kill(Number(instance.split("@")[0]), "SIGKILL");
      deaths += 1;
      const since = stopwatch();
      screen.act(`kill -9 of ${subject}, instance ${instance}`);
      let aliveAfter: number | undefined;
      const directive = await until(`${subject} to be healed`, async () => {
        const now = (await replicas()).find((each) => each.subject === subject);
        const isBack = now?.alive === true && now.healthy && now.instance !== instance;
        if (isBack) aliveAfter ??= since();
        if (!isBack) return undefined;
        const done = await client.listDirectives({ kind: "Restart", statuses: ["Done"], fromBlock });
        return done.find((each) => each.subject === subjectHash(subject));
      });
      const seconds = since();
      tell(`${seconds} s after the death of ${subject}: Restart is done; alive again after ${aliveAfter} s`);
      return { directive, seconds };
    }

    async function votersOn({ id }: IssuedDirective): Promise<readonly number[]> {
      const { client } = running;
      const proposal = (await client.listProposals()).find(({ directiveId }) => directiveId === id);
      if (proposal === undefined) throw new Error(`There is no proposal of directive ${id}.`);
      const ballots = await client.listBallots({ proposalId: proposal.id });
      const voters = ballots.filter(({ support }) => support === "for").map(({ index }) => index);
      const { counted, fastPathFor } = proposal.rules;
      tell(
        `  decided by seats ${voters.join()}: ${voters.length} For of ${counted} counted, ${fastPathFor} end the vote`,
      );
      return voters;
    }
  });
}

/** The first of these numbers below `of`, ascending, in a random order. */
function drawn(count: number, of: number, random: () => number): number[] {
  const keyed = Array.from({ length: of }, (_, index) => ({ index, key: random() }));
  const first = keyed.sort((one, other) => one.key - other.key).slice(0, count);
  return first.map(({ index }) => index).sort((one, other) => one - other);
}

/** Tells the seconds since now, to a tenth. */
function stopwatch(): () => number {
  const started = systemClock.monotonic();
  return () => Math.round((systemClock.monotonic() - started) / 100) / 10;
}

async function until<T>(what: string, find: () => Promise<T | undefined>): Promise<T> {
  const since = stopwatch();
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (since() > PATIENCE_MS / 1_000) throw new Error(`Waited ${since()} s in vain for ${what}.`);
    await systemClock.sleep(POLL_MS);
  }
}
