import { createHash } from "node:crypto";
import type { NodeSummary } from "../../../client/index.js";
import { messageOf } from "../../../errors.js";
import type { RequestResponse } from "../../../ports/gossip/index.js";
import type { Address } from "../../../records/index.js";
import type { Clock } from "../../../utils/clock.js";
import type { Logger } from "../../../utils/logger.js";
import { sameHex } from "../../../utils/sameHex.js";
import { repeat } from "../../../utils/timing/repeat.js";
import { TokenBuckets } from "../../../utils/timing/tokenBuckets.js";
import type { Committees } from "../../aggregation/committees.js";
import { Rendezvous } from "../../aggregation/leaders/rendezvous.js";
import type { SignedMessages } from "../signedMessages.js";
import { LISTEN_MS, type SigningGuard } from "../signingGuard.js";
import { HeardSessions } from "./heardSessions.js";
import {
  decodeSessionAnswer,
  decodeSessionRequest,
  encodeSessionAnswer,
  encodeSessionRequest,
  MAX_RETURNED,
  type SessionAnswer,
} from "./message.js";
import { parseSessionWord } from "./sessionWord.js";

/** Several times while another session listens, though an answer that is lost costs two seconds. */
const ASK_MS = 5_000;
/** A session that listens wants to sign, and what is new about a session must be known before its machine is lost. */
const ASK_SOON_MS = 2_000;
const ANSWER_MS = 2_000;
/** Members that keep the words of one key, the same for all its sessions: that four are down or hostile at once is rare. */
const KEEPERS = 4;
/** Members that are asked for what this node has signed, after a restore. */
const MAX_ASKED = 32;
/** Pages of one peer's answer: more than all open proposals and directives. */
const MAX_PAGES = 16;
/** What a peer may ask at once, and then each second. */
const BURST = 16;
const PER_SECOND = 2;
const MAX_PEERS = 1_024;

export interface SessionsDependencies {
  readonly self: Address;
  readonly guard: Pick<SigningGuard, "end" | "hear" | "state" | "status" | "update" | "vouch" | "word">;
  readonly transport: Pick<RequestResponse, "isConnected" | "request" | "serve">;
  readonly signed: SignedMessages;
  /** Signs a text with this node's key. */
  readonly seal: (text: string) => Promise<string>;
  /** The account that has signed, and the text; undefined if nobody has. */
  readonly open: (sealed: string) => { readonly author: Address; readonly text: string } | undefined;
  readonly clock: Clock;
  readonly logger: Pick<Logger, "debug" | "warn">;
}

/**
 * The words of sessions, and the return of what a node has signed. Each session tells its word to the same few members, its
 * keepers, again and again, and each answers with the words of the key's other sessions. Requests go over connections that
 * prove who asks, so that nobody repeats another's words to its keepers.
 */
export class Sessions {
  readonly #dependencies: SessionsDependencies;
  readonly #heard: HeardSessions;
  readonly #limits: TokenBuckets;
  readonly #stopping = new AbortController();
  readonly #startedAt: number;
  #committees: Committees | undefined;
  #sealed: { readonly text: string; readonly word: string } | undefined;
  /** Peers that have returned all that they hold. */
  readonly #returned = new Set<string>();
  #wasListening = false;
  /** Monotonic. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #ends: (() => Promise<void>) | undefined;
  #running: Promise<void> | undefined;

  constructor(dependencies: SessionsDependencies) {
    const { clock } = dependencies;
    this.#dependencies = dependencies;
    this.#heard = new HeardSessions(clock);
    this.#limits = new TokenBuckets({ clock, burst: BURST, perSecond: PER_SECOND, maxKeys: MAX_PEERS });
    this.#startedAt = clock.monotonic();
  }

  /** Serves, and asks as soon as the committee is known. */
  async start(): Promise<void> {
    const { clock, guard, logger, transport } = this.#dependencies;
    this.#ends = await transport.serve(async (bytes, from) => this.#answer(bytes, from));
    this.#running = repeat({
      clock,
      everyMs: ASK_SOON_MS,
      signal: this.#stopping.signal,
      onError: (error) => logger.warn("sessions could not be asked for", { reason: messageOf(error) }),
      work: async () => {
        const isDue = clock.monotonic() - this.#askedAt >= ASK_MS;
        if (isDue || this.#hasNews || guard.state === "listening") await this.ask();
        // What was heard of another session is to be known to it soon.
        if (this.#hasNews) await this.ask();
      },
    });
  }

  /** Goes on from a snapshot of the chain. @param chainTime In seconds. */
  async update({
    chainTime,
    committees,
  }: {
    readonly chainTime: number;
    readonly committees: Committees;
  }): Promise<void> {
    this.#committees = committees;
    this.#heard.keep(new Set(committees.members.map(({ agent }) => agent.toLowerCase())));
    await this.#dependencies.guard.update(chainTime);
  }

  /** Asks once: the keepers for other sessions, and while listening, peers for what this node has signed. */
  async ask(): Promise<void> {
    const { guard, self } = this.#dependencies;
    const committees = this.#committees;
    if (committees?.ofAccount(self) === undefined) return;
    this.#askedAt = this.#dependencies.clock.monotonic();
    const isListening = guard.state === "listening";
    if (isListening && !this.#wasListening) this.#returned.clear();
    this.#wasListening = isListening;
    const keepers = keepersOf(committees, self);
    const isRestored = guard.status.restore?.until === null;
    const asked = isListening && isRestored ? peersOf(committees, self).slice(0, MAX_ASKED) : keepers;
    const names = [...new Set([...keepers, ...asked])];
    const answers = new Map<string, boolean>();
    await Promise.all(
      names.map(async (peer) => answers.set(peer, await this.#ask(peer, isListening && !this.#returned.has(peer)))),
    );
    if (isListening && keepers.every((peer) => answers.get(peer) === true)) guard.vouch();
  }

  /** Says that this session is over, and stops. What signs must have ended. */
  async stop(): Promise<void> {
    const { guard, self, transport } = this.#dependencies;
    this.#stopping.abort();
    await this.#running;
    guard.end();
    const keepers = this.#committees?.ofAccount(self) === undefined ? [] : keepersOf(this.#committees, self);
    const near = keepers.filter((peer) => transport.isConnected(peer));
    await Promise.all(near.map((peer) => this.#ask(peer, false)));
    await this.#ends?.();
  }

  /** Whether its keepers do not know this session's word yet. */
  get #hasNews(): boolean {
    return this.#sealed?.text !== JSON.stringify(this.#dependencies.guard.word);
  }

  /** Asks one peer; resolves to whether it vouches that no other session runs. */
  async #ask(peer: string, wantsReturn: boolean): Promise<boolean> {
    const { clock, logger, signed } = this.#dependencies;
    try {
      let vouches = true;
      let returnFrom = wantsReturn ? 0 : null;
      for (let page = 0; page < MAX_PAGES; page++) {
        const late = new AbortController();
        const cancel = clock.after(ANSWER_MS, () => late.abort(new Error("no answer in time")));
        const request = encodeSessionRequest({ word: await this.#word(), returnFrom });
        const bytes = await this.#dependencies.transport.request(peer, request, late.signal).finally(cancel);
        const answer = decodeSessionAnswer(bytes);
        if (answer === undefined) return false;
        if (!(await this.#hear(answer))) vouches = false;
        for (const message of answer.messages) await signed.take(message, peer);
        if (returnFrom === null) return vouches;
        if (!answer.more) {
          this.#returned.add(peer);
          return vouches;
        }
        returnFrom += answer.messages.length;
      }
      return false;
    } catch (error) {
      logger.debug("a peer did not answer for sessions", { peer, reason: messageOf(error) });
      return false;
    }
  }

  /** Takes the words in an answer, those of this node's key; gives whether it vouches for this session. */
  async #hear({ upMs, words }: SessionAnswer): Promise<boolean> {
    const { guard, open, self } = this.#dependencies;
    let vouches = upMs >= LISTEN_MS;
    for (const { agoMs, word: sealed } of words) {
      const opened = open(sealed);
      const word = opened && sameHex(opened.author, self) ? parseSessionWord(opened.text) : undefined;
      if (word === undefined) continue;
      if (!word.over && agoMs < LISTEN_MS) vouches = false;
      await guard.hear(word);
    }
    return vouches;
  }

  #answer(bytes: Uint8Array, from: string): Uint8Array | undefined {
    const { clock, open, signed } = this.#dependencies;
    const request = this.#limits.take(from) ? decodeSessionRequest(bytes) : undefined;
    const member = this.#committees?.members.find(({ peerId }) => peerId === from);
    if (request === undefined || member === undefined) return undefined;
    const { agent } = member;
    const session = this.#take(request.word, agent, open);
    if (session === undefined) return undefined;
    const all = request.returnFrom === null ? [] : signed.of(agent).slice(request.returnFrom);
    return encodeSessionAnswer({
      upMs: clock.monotonic() - this.#startedAt,
      words: this.#heard.others(agent, session),
      messages: all.slice(0, MAX_RETURNED),
      more: all.length > MAX_RETURNED,
    });
  }

  /** Keeps the word of a member's session, and gives the session; undefined if the member has not signed it. */
  #take(sealed: string, agent: Address, open: SessionsDependencies["open"]): string | undefined {
    // A signature that was verified is not verified again.
    const known = this.#heard.find(agent, sealed);
    const opened = known === undefined ? open(sealed) : undefined;
    const word = known ?? (opened && sameHex(opened.author, agent) ? parseSessionWord(opened.text) : undefined);
    if (word === undefined) return undefined;
    this.#heard.add(agent, word, sealed);
    return word.session;
  }

  /** This session's word, signed once for each turn. */
  async #word(): Promise<string> {
    const text = JSON.stringify(this.#dependencies.guard.word);
    if (this.#sealed?.text !== text) this.#sealed = { text, word: await this.#dependencies.seal(text) };
    return this.#sealed.word;
  }
}

/** The members that keep the words of an account: the same for each of its sessions. */
function keepersOf(committees: Committees, self: Address): string[] {
  const others = committees.present().filter((account) => !sameHex(account, self));
  const key = createHash("sha256").update(self.toLowerCase()).digest("hex");
  const chosen = new Rendezvous(others).first(`0x${key}`, KEEPERS);
  return chosen.flatMap((account) => peerOf(committees.ofAccount(account)));
}

function peersOf(committees: Committees, self: Address): string[] {
  return committees.members.filter(({ agent }) => !sameHex(agent, self)).flatMap(peerOf);
}

function peerOf(member: NodeSummary | undefined): string[] {
  return member === undefined ? [] : [member.peerId];
}
