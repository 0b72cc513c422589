import { Wallet } from "ethers";
import { describe, expect, it, onTestFinished } from "vitest";
import { Committees } from "../../../../src/agent/aggregation/committees.js";
import { encodeSessionRequest } from "../../../../src/agent/signing/sessions/message.js";
import { Sessions } from "../../../../src/agent/signing/sessions/sessions.js";
import type { SignedMessage } from "../../../../src/agent/signing/signedMessages.js";
import { LISTEN_MS, SigningGuard } from "../../../../src/agent/signing/signingGuard.js";
import type { NodeSummary } from "../../../../src/client/index.js";
import type { RequestHandler } from "../../../../src/ports/gossip/index.js";
import { EnvelopeError, openEnvelope, sealEnvelope } from "../../../../src/ports/keys/envelope.js";
import type { Address } from "../../../../src/records/index.js";
import { createLogger } from "../../../../src/utils/logger.js";
import { VirtualClock } from "../../../harness/virtualClock.js";

const context = { chainId: 31_337, governor: `0x${"d".repeat(40)}` as Address, topic: "session" };
const wallets = Array.from({ length: 4 }, (_, i) => new Wallet(`0x${`${i + 1}`.repeat(64)}`));
const peerOf = (seat: number) => `peer ${seat}`;
const nodes = wallets.map(({ address }, index) => ({
  ...{ index, agent: address, operator: address, peerId: peerOf(index), admittedAt: 1, removedAt: null },
}));
const committees = new Committees(nodes as NodeSummary[]);
const ballot = (n: number): SignedMessage => ({ kind: "ballot", bytes: Uint8Array.of(n, n >> 8) });

/** Sessions of four seats whose requests pass at once. */
function mesh() {
  const clock = new VirtualClock();
  const handlers = new Map<string, RequestHandler>();
  const opened: string[] = [];
  const sealBy = (wallet: Wallet) => async (text: string) =>
    new TextDecoder().decode(await sealEnvelope(wallet, context, text));
  return {
    ...{ clock, handlers, opened, sealBy },
    /** @param peer The name under which its requests come; that of its seat by default. */
    async start(seat: number, { signed = 0, isNew = false, holds = [] as SignedMessage[], peer = peerOf(seat) } = {}) {
      const wallet = wallets[seat] ?? never();
      const logger = createLogger("silent", () => undefined);
      let restore: ConstructorParameters<typeof SigningGuard>[0]["marker"]["restore"];
      const marker = {
        get restore() {
          return restore;
        },
        set: async (change: Partial<NonNullable<typeof restore>>) => {
          restore = { why: "rolled-back", at: 0, lost: 0, until: null, ...restore, ...change };
        },
      };
      const guard = new SigningGuard({ clock, logger, marker, isNew, signed: () => signed });
      const taken: SignedMessage[] = [];
      let handler: RequestHandler | undefined;
      let isUp = true;
      const sessions = new Sessions({
        ...{ self: wallet.address as Address, guard, clock, logger, seal: sealBy(wallet) },
        signed: { journalled: 0, of: () => holds, take: async (message) => void taken.push(message) },
        open(text) {
          opened.push(text);
          try {
            const { author, body } = openEnvelope(context, new TextEncoder().encode(text));
            return { author, text: body };
          } catch (error) {
            if (error instanceof EnvelopeError) return undefined;
            throw error;
          }
        },
        transport: {
          isConnected: (name) => handlers.has(name),
          async request(name, bytes, signal) {
            if (!isUp) throw new Error("it was killed");
            const answer = await handlers.get(name)?.(bytes, peer, signal);
            if (answer === undefined) throw new Error(`${name} gives no answer`);
            return answer;
          },
          serve: async (serving) => {
            handler = serving;
            if (!handlers.has(peer)) handlers.set(peer, serving);
            return async () => undefined;
          },
        },
      });
      await sessions.start();
      await sessions.update({ chainTime: 1_000, committees });
      let isStopped = false;
      const stop = async () => {
        if (isStopped) return;
        isStopped = true;
        const stopping = sessions.stop();
        await clock.pass(1);
        await stopping;
      };
      onTestFinished(stop);
      return {
        ...{ guard, sessions, taken, stop },
        kill() {
          isUp = false;
          if (handlers.get(peer) === handler) handlers.delete(peer);
        },
        update: () => sessions.update({ chainTime: 1_000, committees }),
      };
    },
  };
}

/** Four seats, of which all have run for longer than one listens. */
async function running() {
  const made = mesh();
  const seats = [];
  for (let seat = 0; seat < 4; seat++) seats.push(await made.start(seat, { isNew: true }));
  await made.clock.pass(LISTEN_MS + 10_000);
  return { ...made, seats };
}

describe("a session that starts", () => {
  it("may sign at once where the one before has said its last word, and where nobody else is of the committee", async () => {
    const { clock, handlers, seats, start } = await running();
    await seats[0]?.stop();
    handlers.delete(peerOf(0));
    const next = await start(0);
    await clock.pass(2_100);
    await next.update();
    expect(next.guard.state).toBe("signing");
    const alone = mesh();
    const only = await alone.start(0);
    await only.sessions.update({ chainTime: 1, committees: new Committees(nodes.slice(0, 1) as NodeSummary[]) });
    await alone.clock.pass(2_100);
    await only.sessions.update({ chainTime: 1, committees: new Committees(nodes.slice(0, 1) as NodeSummary[]) });
    expect(only.guard.state).toBe("signing");
  });

  it("listens where the one before was killed a moment ago, and where no keeper has listened for as long", async () => {
    const { clock, seats, start } = await running();
    seats[0]?.kill();
    const next = await start(0);
    await clock.pass(LISTEN_MS - 7_000);
    await next.update();
    expect(next.guard.state).toBe("listening");
    await clock.pass(7_000);
    await next.update();
    expect(next.guard.state).toBe("signing");
    const young = mesh();
    const first = await young.start(0);
    for (let seat = 1; seat < 4; seat++) await young.start(seat, { isNew: true });
    await young.clock.pass(4_000);
    await first.update();
    expect(first.guard.state).toBe("listening");
  });

  it("is given what it has signed, all of it, and takes it once from each peer", async () => {
    const { clock, start } = mesh();
    const holds = Array.from({ length: 150 }, (_, n) => ballot(n));
    await start(1, { isNew: true, holds });
    const back = await start(0);
    await clock.pass(10_000);
    expect(back.taken).toEqual(holds);
  });

  it("finds out that its folder was rolled back by the words of the session that is gone", async () => {
    const { clock, seats, start } = await running();
    await seats[0]?.stop();
    const before = await start(0, { signed: 7 });
    await clock.pass(2_100);
    await before.stop();
    const after = await start(0, { signed: 5 });
    await clock.pass(2_100);
    await after.update();
    expect(after.guard.status).toMatchObject({ state: "listening", restore: { why: "rolled-back", lost: 2 } });
  });
});

describe("two sessions of one key", () => {
  it("both stop, and no other", async () => {
    const { clock, seats, start } = await running();
    const copy = await start(0);
    await clock.pass(15_000);
    expect([seats[0]?.guard.state, copy.guard.state]).toEqual(["stopped", "stopped"]);
    expect(seats.slice(1).map(({ guard }) => guard.state)).toEqual(["signing", "signing", "signing"]);
  });
});

describe("others", () => {
  it("cannot repeat a node's words to its keepers, nor say any for it", async () => {
    const { clock, handlers, sealBy, seats, start } = await running();
    const [victim] = seats;
    const earlier = { session: "e".repeat(32), seen: [victim?.guard.session ?? ""], signed: 99, over: false, turn: 9 };
    const word = await sealBy(wallets[0] ?? never())(JSON.stringify(earlier));
    const forged = await sealBy(wallets[1] ?? never())(JSON.stringify(earlier));
    const { signal } = new AbortController();
    for (let seat = 1; seat < 4; seat++) {
      const ask = (text: string, from: number) =>
        handlers.get(peerOf(seat))?.(encodeSessionRequest({ word: text, returnFrom: 0 }), peerOf(from), signal);
      // Its own word from another peer, another's word from its peer, and no word at all.
      expect(await ask(word, 1)).toBeUndefined();
      expect(await ask(forged, 0)).toBeUndefined();
      expect(await ask("nothing", 0)).toBeUndefined();
      expect(await ask(word, 9)).toBeUndefined();
    }
    await clock.pass(30_000);
    expect(victim?.guard.state).toBe("signing");
    expect((await start(2)).guard.state).toBe("listening");
  });

  it("that answer with words of their own or old ones of the node stop nobody", async () => {
    const { clock, handlers, sealBy, seats } = await running();
    const [victim] = seats;
    const said = { seen: [] as string[], signed: 0, over: false, turn: 3 };
    const old = await sealBy(wallets[0] ?? never())(
      JSON.stringify({ ...said, session: "e".repeat(32), seen: ["f".repeat(32)] }),
    );
    const own = await sealBy(wallets[1] ?? never())(
      JSON.stringify({ ...said, session: "e".repeat(32), seen: [victim?.guard.session] }),
    );
    const words = [old, own, "{}"].map((word) => ({ word, agoMs: 0 }));
    const answer = new TextEncoder().encode(JSON.stringify({ upMs: 1, words, messages: [], more: false }));
    for (let seat = 1; seat < 4; seat++) handlers.set(peerOf(seat), async () => answer);
    await clock.pass(30_000);
    expect(victim?.guard.state).toBe("signing");
    // Answers that are none, or never end, do no harm either.
    const endless = new TextEncoder().encode(JSON.stringify({ upMs: 1, words: [], messages: [], more: true }));
    for (const bytes of [new Uint8Array(40_000), Uint8Array.of(1), endless]) {
      for (let seat = 1; seat < 4; seat++) handlers.set(peerOf(seat), async () => bytes);
      await clock.pass(20_000);
    }
    expect(victim?.guard.state).toBe("signing");
  });

  it("that ask too often get no answer, and each signature is verified once", async () => {
    const { handlers, opened, sealBy } = await running();
    const before = opened.length;
    const word = await sealBy(wallets[2] ?? never())(
      JSON.stringify({ session: "a".repeat(32), seen: [], signed: 0, over: false, turn: 1 }),
    );
    const request = encodeSessionRequest({ word, returnFrom: null });
    const answers = [];
    for (let n = 0; n < 40; n++)
      answers.push(await handlers.get(peerOf(1))?.(request, peerOf(2), new AbortController().signal));
    expect(answers.filter((each) => each !== undefined).length).toBeLessThanOrEqual(16);
    expect(opened.length - before).toBe(1);
  });
});

function never(): never {
  throw new Error("there is no such seat");
}
