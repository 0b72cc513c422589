import { describe, expect, it } from "vitest";
import type { Restore } from "../../../src/agent/signing/restoreMarker.js";
import type { SessionWord } from "../../../src/agent/signing/sessions/sessionWord.js";
import {
  LISTEN_MS,
  MARGIN_SECONDS,
  MAX_LAG_SECONDS,
  SigningGuard,
  type SigningGuardDependencies,
  subjectOfDirective,
  subjectOfProposal,
} from "../../../src/agent/signing/signingGuard.js";
import type { Proposal } from "../../../src/client/index.js";
import { directiveSalt, WINDOW_SECONDS } from "../../../src/records/index.js";
import { DiskError } from "../../../src/utils/disk/diskError.js";
import { createLogger } from "../../../src/utils/logger.js";
import { frozen, TestClock } from "../../harness/clock.js";

const CHAIN_TIME = 10_000;
const other = "b".repeat(32);
const restored: Restore = { why: "restored", at: 0, lost: 0, until: null };

function guardOf(change: Partial<SigningGuardDependencies> & { readonly restore?: Restore } = {}) {
  const clock = new TestClock(frozen());
  const logs: { level: string; message: string }[] = [];
  let restore = change.restore;
  let ballots = 3;
  let fails = false;
  const guard = new SigningGuard({
    ...{
      clock,
      logger: createLogger("info", (line) => logs.push(JSON.parse(line))),
      signed: () => ballots,
      isNew: false,
    },
    marker: {
      get restore() {
        return restore;
      },
      async set(changed) {
        restore = { ...restored, why: "rolled-back", ...restore, ...changed };
        if (fails) throw new DiskError("full", "the disk is full");
      },
    },
    ...change,
  });
  const word = (said: Partial<SessionWord> = {}): SessionWord => ({
    ...{ session: other, seen: [], signed: 0, over: false, turn: 1 },
    ...said,
  });
  return {
    ...{ clock, guard, logs, word },
    /** Listens until it may sign. */
    async listen(chainTime = CHAIN_TIME) {
      clock.pass(LISTEN_MS);
      await guard.update(chainTime);
    },
    sign: () => ++ballots,
    failWrites: (value: boolean) => {
      fails = value;
    },
    get restore() {
      return restore;
    },
  };
}

const opened = (since: number, window = 0) => ({ since, window });

describe("a session", () => {
  it("says at its start, and in its status, for how long it listens at most", async () => {
    const { clock, guard, listen, logs } = guardOf();
    expect(logs).toEqual([expect.objectContaining({ message: expect.stringContaining("listens for at most 30 s") })]);
    expect(guard.status.listensForMs).toBe(LISTEN_MS);
    clock.pass(10_000);
    expect(guard.status.listensForMs).toBe(LISTEN_MS - 10_000);
    await listen();
    expect(guard.status).toMatchObject({ state: "signing", listensForMs: null });
    expect(guardOf({ isNew: true }).logs).toEqual([]);
  });

  it("signs at once with a key that never signed, and otherwise after it has listened", async () => {
    expect(guardOf({ isNew: true }).guard.state).toBe("signing");
    expect(guardOf({ isNew: true, restore: restored }).guard.state).toBe("listening");
    const { clock, guard, listen } = guardOf();
    expect(guard.permits(opened(CHAIN_TIME))).toBe(false);
    clock.pass(LISTEN_MS - 1);
    await guard.update(CHAIN_TIME);
    expect(guard.state).toBe("listening");
    await listen();
    expect(guard.permits(opened(1))).toBe(true);
  });

  it("signs sooner if its keepers vouch for it, unless it was restored", async () => {
    for (const [restore, state] of [
      [undefined, "signing"],
      [restored, "listening"],
      [{ ...restored, until: 7 }, "signing"],
    ] as const) {
      const { guard } = guardOf({ ...(restore && { restore }) });
      guard.vouch();
      await guard.update(CHAIN_TIME);
      expect(guard.state).toBe(state);
    }
  });

  it("signs nothing any more once it has said its last word", async () => {
    const { guard, listen } = guardOf({ isNew: true });
    guard.end();
    await listen();
    expect([guard.state, guard.word.over]).toEqual(["listening", true]);
  });

  it("names the sessions that it has heard of, in words that follow on one another", async () => {
    const { guard, sign, word } = guardOf();
    expect(guard.word).toEqual({ session: guard.session, seen: [], signed: 3, over: false, turn: 1 });
    expect(guard.word.turn).toBe(1);
    await guard.hear(word());
    expect(guard.word).toMatchObject({ seen: [other], turn: 2 });
    sign();
    expect(guard.word).toMatchObject({ signed: 4, turn: 3 });
    // One that has ended is no copy.
    await guard.hear(word({ session: "c".repeat(32), over: true }));
    for (let n = 0; n < 20; n++) await guard.hear(word({ session: n.toString(16).padStart(32, "0") }));
    expect(guard.word.seen).toHaveLength(8);
  });
});

describe("after a restore nothing is signed", () => {
  it("on what was open while the session listened or a little later, and all else is", async () => {
    const { guard, listen, restore: _, ...rest } = guardOf({ restore: restored });
    await listen();
    const until = CHAIN_TIME + MARGIN_SECONDS;
    expect(guard.status.restore).toMatchObject({ until });
    const window = Math.floor(until / WINDOW_SECONDS);
    expect(guard.permits(opened(until))).toBe(false);
    expect(guard.permits(opened(until + 1))).toBe(true);
    // Ballots on it may have been signed before it was opened.
    expect(guard.permits(opened(until + 1, window))).toBe(false);
    expect(guard.permits({ since: undefined, window })).toBe(false);
    expect(guard.permits({ since: undefined, window: window + 1 })).toBe(true);
    expect(rest.logs.at(-1)).toMatchObject({ level: "info" });
  });

  it("on what is older than the restore by the wall clock, where the chain lags behind", async () => {
    const at = (CHAIN_TIME + 5_000) * 1_000;
    const { guard, listen } = guardOf({ restore: { ...restored, at } });
    await listen();
    expect(guard.permits(opened(CHAIN_TIME + 5_000))).toBe(false);
    expect(guard.permits(opened(CHAIN_TIME + 5_000 + MARGIN_SECONDS + 1))).toBe(true);
  });

  it("and for a day at most, if the wall clock was ahead by years at the restore", async () => {
    const at = Date.UTC(2099, 0, 1);
    const { guard, listen } = guardOf({ restore: { ...restored, at } });
    await listen();
    const until = CHAIN_TIME + MAX_LAG_SECONDS + MARGIN_SECONDS;
    expect([guard.permits(opened(until)), guard.permits(opened(until + 1))]).toEqual([false, true]);
  });

  it("before that can be written down", async () => {
    const { failWrites, guard, listen, logs } = guardOf({ restore: restored });
    failWrites(true);
    for (let cycle = 0; cycle < 3; cycle++) {
      await listen();
      expect(guard.status).toMatchObject({ state: "listening", unsaved: "the disk is full" });
    }
    // Once, not in each cycle, beside the word that it listens.
    expect(logs).toHaveLength(2);
    failWrites(false);
    await guard.update(CHAIN_TIME + 100);
    expect(guard.status).toMatchObject({ state: "signing", unsaved: null });
    // Nothing that was open when it was found out, whenever the disk had room again.
    expect(guard.permits(opened(CHAIN_TIME + MARGIN_SECONDS))).toBe(false);
  });
});

describe("a word of the own key", () => {
  it("that counts more signatures than the journals hold proves a rollback, once", async () => {
    const made = guardOf();
    const { guard, listen, logs, sign, word } = made;
    await listen();
    await guard.hear(word({ signed: 5 }));
    expect(made.restore).toMatchObject({ why: "rolled-back", lost: 2, until: null });
    expect(guard.state).toBe("listening");
    await listen(CHAIN_TIME + 50);
    expect(guard.permits(opened(CHAIN_TIME + 50))).toBe(false);
    // The same word, repeated by anybody, and an older one.
    await guard.hear(word({ signed: 5 }));
    await guard.hear(word({ signed: 1 }));
    expect(guard.state).toBe("signing");
    sign();
    expect(guard.word.signed).toBe(6);
    expect(logs.filter(({ level }) => level === "error")).toHaveLength(1);
  });

  it("of this same session too: a snapshot of the whole machine came back", async () => {
    const { guard, listen, word } = guardOf();
    await listen();
    await guard.hear(word({ session: guard.session, signed: 3, seen: [guard.session] }));
    expect(guard.state).toBe("signing");
    await guard.hear(word({ session: guard.session, signed: 4 }));
    expect(guard.state).toBe("listening");
  });

  it("of another session that names this one stops it for good, and no other word does", async () => {
    const { guard, listen, logs, word } = guardOf();
    await listen();
    await guard.hear(word());
    await guard.hear(word({ seen: ["c".repeat(32)] }));
    await guard.hear(word({ session: guard.session, seen: [guard.session] }));
    expect(guard.state).toBe("signing");
    await guard.hear(word({ seen: [guard.session] }));
    expect(guard.status).toMatchObject({ state: "stopped", other });
    expect(logs.at(-1)).toMatchObject({ level: "error", message: expect.stringContaining("runs twice") });
    guard.vouch();
    await listen();
    expect(guard.state).toBe("stopped");
    expect(guard.permits(opened(CHAIN_TIME + 9_999))).toBe(false);
  });
});

it("listens anew when its key is found to have signed what the journals do not hold", async () => {
  const made = guardOf({ restore: { ...restored, until: 7 } });
  await made.listen();
  await made.guard.rolledBack();
  await made.guard.rolledBack();
  expect([made.guard.state, made.restore]).toMatchObject(["listening", { why: "rolled-back", lost: 0, until: null }]);
});

it("signs on a proposal from its start on, or earlier in its window, and on a directive once it is issued", () => {
  const salt = directiveSalt(12, 1);
  const proposal = { start: 70, directive: { salt } } as Proposal;
  expect(subjectOfProposal(proposal)).toEqual({ since: 70, window: 12 });
  expect(subjectOfProposal({ ...proposal, built: {} } as Proposal)).toEqual({ since: undefined, window: 12 });
  expect(subjectOfProposal({ ...proposal, directive: null })).toEqual({ since: 70, window: 0 });
  expect(subjectOfDirective({ issuedAt: 80 })).toEqual({ since: 80, window: 0 });
});
