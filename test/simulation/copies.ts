import { randomBytes } from "node:crypto";
import { Committees } from "../../src/agent/aggregation/committees.js";
import type { Restore } from "../../src/agent/signing/restoreMarker.js";
import { Sessions } from "../../src/agent/signing/sessions/sessions.js";
import type { SignedMessages } from "../../src/agent/signing/signedMessages.js";
import { SigningGuard } from "../../src/agent/signing/signingGuard.js";
import type { NodeSummary } from "../../src/client/index.js";
import type { RequestHandler } from "../../src/ports/gossip/index.js";
import { type Address, WINDOW_SECONDS } from "../../src/records/index.js";
import { VirtualClock } from "../harness/virtualClock.js";
import type { SeededRandom } from "./random.js";

const CYCLE_MS = 2_000;
const RESEND_MS = 10_000;
const VOTING_MS = 600_000;
const LATENCY_MS = 40;
const quiet = { debug: () => undefined, error: () => undefined, info: () => undefined, warn: () => undefined };

type Support = "for" | "against";

/** A data folder: what a backup, a copy or a snapshot of it takes along. */
interface Folder {
  readonly ballots: Map<string, Support>;
  restore: Restore | undefined;
}

interface Motion {
  readonly id: string;
  /** When it is opened; nodes vote before that on one with a window. */
  readonly openedAt: number;
  readonly firstSeenAt: number;
  readonly endsAt: number;
  readonly window: number;
}

export interface CopiedMeshParameters {
  readonly seats: number;
  /** The share of ballots, requests and answers that get lost. */
  readonly loss: number;
  /** Whether nodes ask the guard; without it the journal alone says what is signed. */
  readonly isGuarded: boolean;
}

/** One run of an agent. */
interface Run {
  readonly seat: number;
  readonly folder: Folder;
  readonly guard: SigningGuard;
  readonly sessions: Sessions;
  /** By proposal and seat, the first ballot that came. */
  readonly pool: Map<string, Support>;
  handler: RequestHandler | undefined;
  isUp: boolean;
}

/**
 * Nodes that vote at random, as differently as they can, while their folders are backed up, restored, rolled back, copied and
 * started twice. The guard and the exchange of sessions are the agent's own; the chain, gossip and disks are simulated.
 */
export class CopiedMesh {
  readonly clock = new VirtualClock();
  readonly #parameters: CopiedMeshParameters;
  readonly #random: SeededRandom;
  readonly #committees: Committees;
  readonly #motions: Motion[] = [];
  readonly runs: Run[] = [];
  /** What each seat's key has signed, by seat and proposal. */
  readonly signed = new Map<string, Set<Support>>();
  #count = 0;

  constructor(parameters: CopiedMeshParameters, random: SeededRandom) {
    this.#parameters = parameters;
    this.#random = random;
    this.#committees = new Committees(Array.from({ length: parameters.seats }, (_, index) => nodeOf(index)));
  }

  /** Seats that have signed two different ballots on one proposal. */
  get contradictions(): string[] {
    return [...this.signed].filter(([, supports]) => supports.size > 1).map(([key]) => key);
  }

  /** A proposal that ballots count on from now, or a while after nodes begin to vote on it. */
  propose(isWindowed: boolean): string {
    const now = this.clock.now();
    const openedAt = now + (isWindowed ? this.#random.integer(0, 200_000) : 0);
    const window = isWindowed ? Math.floor(now / 1_000 / WINDOW_SECONDS) : 0;
    const id = `proposal ${++this.#count}`;
    this.#motions.push({ id, openedAt, firstSeenAt: now, endsAt: openedAt + VOTING_MS, window });
    return id;
  }

  /** A copy of a seat's folder as it is now. */
  copy(run: Run): Folder {
    return { ballots: new Map(run.folder.ballots), restore: run.folder.restore };
  }

  /** The folder as `witan restore` leaves it. */
  restored(folder: Folder): Folder {
    const restore = { why: "restored", at: this.clock.now(), lost: folder.restore?.lost ?? 0, until: null } as const;
    return { ballots: new Map(folder.ballots), restore };
  }

  /** Starts an agent on a folder. */
  async start(seat: number, folder: Folder = { ballots: new Map(), restore: undefined }): Promise<Run> {
    const { clock } = this;
    const marker = {
      get restore() {
        return folder.restore;
      },
      async set(change: Partial<Restore> & Pick<Restore, "until">) {
        folder.restore = { why: "rolled-back", at: 0, lost: 0, ...folder.restore, ...change };
      },
    };
    const isNew =
      folder.ballots.size === 0 && folder.restore === undefined && !this.runs.some((each) => each.seat === seat);
    const guard = new SigningGuard({ clock, logger: quiet, marker, signed: () => folder.ballots.size, isNew });
    const pool = new Map<string, Support>();
    const signed: SignedMessages = {
      journalled: 0,
      of: (account) => {
        const index = this.#committees.ofAccount(account)?.index;
        const own = [...pool].filter(([key]) => key.endsWith(` by ${index}`));
        return own.map(([key, support]) => ({ kind: "ballot", bytes: Buffer.from(JSON.stringify([key, support])) }));
      },
      take: async ({ bytes }) => {
        const [key, support] = JSON.parse(Buffer.from(bytes).toString());
        if (!pool.has(key)) pool.set(key, support);
      },
    };
    const run: Run = {
      ...{ seat, folder, guard, pool, isUp: true, handler: undefined },
      sessions: new Sessions({
        ...{ self: accountOf(seat), guard, clock, signed, logger: quiet },
        transport: {
          isConnected: () => true,
          request: (peer, bytes, signal) => this.#request(run, peer, bytes, signal),
          serve: async (handler) => {
            run.handler = handler;
            return async () => undefined;
          },
        },
        seal: async (text) => JSON.stringify({ author: accountOf(seat), text }),
        open: (sealed) => JSON.parse(sealed),
      }),
    };
    this.runs.push(run);
    await run.sessions.start();
    this.#cycle(run, this.#random.integer(1, CYCLE_MS));
    return run;
  }

  /** Nothing of it runs any more; it says no last word. */
  kill(run: Run): void {
    run.isUp = false;
    run.handler = undefined;
    // Its timers go on, and nothing that they do counts.
  }

  #cycle(run: Run, afterMs: number): void {
    this.clock.after(afterMs, () => {
      if (!run.isUp) return;
      void this.#vote(run).then(() => this.#cycle(run, CYCLE_MS));
    });
  }

  async #vote(run: Run): Promise<void> {
    const { folder, guard, pool, seat, sessions } = run;
    const now = this.clock.now();
    await sessions.update({ chainTime: now / 1_000, committees: this.#committees });
    if (!run.isUp || (guard.state === "stopped" && this.#parameters.isGuarded)) return;
    for (const motion of this.#motions) {
      if (now < motion.firstSeenAt || now >= motion.endsAt) continue;
      const key = `${motion.id} by ${seat}`;
      const heard = pool.get(key);
      if (!folder.ballots.has(motion.id) && heard !== undefined) {
        folder.ballots.set(motion.id, heard);
        await guard.rolledBack();
      }
      const known = folder.ballots.get(motion.id);
      if (known !== undefined) {
        if (Math.floor(now / RESEND_MS) !== Math.floor((now - CYCLE_MS) / RESEND_MS)) this.#broadcast(run, key, known);
        continue;
      }
      if (!this.#random.chance(0.3) || !this.#permits(run, motion)) continue;
      this.clock.after(this.#random.integer(1, 1_500), () => this.#sign(run, motion));
    }
  }

  /** Deciding has taken time: what is known by now counts. */
  #sign(run: Run, motion: Motion): void {
    const { folder, pool, seat } = run;
    const key = `${motion.id} by ${seat}`;
    if (!run.isUp || folder.ballots.has(motion.id) || pool.has(key) || !this.#permits(run, motion)) return;
    const support = this.#random.chance(0.5) ? "for" : "against";
    folder.ballots.set(motion.id, support);
    this.signed.set(key, (this.signed.get(key) ?? new Set()).add(support));
    this.#broadcast(run, key, support);
  }

  #permits({ guard }: Run, { openedAt, window }: Motion): boolean {
    if (!this.#parameters.isGuarded) return true;
    const since = this.clock.now() < openedAt ? undefined : openedAt / 1_000;
    return guard.permits({ since, window });
  }

  #broadcast(run: Run, key: string, support: Support): void {
    const { loss } = this.#parameters;
    run.pool.set(key, run.pool.get(key) ?? support);
    for (const other of this.runs) {
      // Gossip passes to one of two peers with the same name, if at all.
      if (other === run || !other.isUp || this.#random.chance(other.seat === run.seat ? 0.7 : loss)) continue;
      this.clock.after(LATENCY_MS, () => {
        if (other.isUp && !other.pool.has(key)) other.pool.set(key, support);
      });
    }
  }

  #request(from: Run, peer: string, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      const there = this.runs.filter(({ isUp, seat }) => isUp && peerOf(seat) === peer);
      if (!from.isUp || there.length === 0 || this.#random.chance(this.#parameters.loss)) return;
      const other = this.#random.pick(there);
      this.clock.after(LATENCY_MS, async () => {
        const answer = await other.handler?.(bytes, peerOf(from.seat), signal);
        if (answer === undefined || this.#random.chance(this.#parameters.loss)) return;
        this.clock.after(LATENCY_MS, () => {
          if (from.isUp) resolve(answer);
        });
      });
    });
  }
}

function accountOf(seat: number): Address {
  return `0x${(seat + 1).toString(16).padStart(40, "0")}`;
}

function peerOf(seat: number): string {
  return `peer ${seat}`;
}

function nodeOf(index: number): NodeSummary {
  const account = accountOf(index);
  const key = `0x${randomBytes(4).toString("hex")}` as const;
  return {
    index,
    agent: account,
    operator: account,
    peerId: peerOf(index),
    key,
    admittedAt: 1,
    removedAt: null,
  } as NodeSummary;
}
