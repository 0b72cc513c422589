import { describe, expect, it } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { LatestView } from "../../../src/agent/aggregation/latestView.js";
import { OpenDirectives, type OpenDirectivesDependencies } from "../../../src/agent/attestations/openDirectives.js";
import type { Statement } from "../../../src/agent/attestations/statement.js";
import {
  type DirectiveStatus,
  type IssuedDirective,
  type NodeSummary,
  UnknownDirectiveError,
} from "../../../src/client/index.js";
import type { Hex } from "../../../src/records/index.js";
import { stepped } from "../../harness/clock.js";

const idOf = (number: number): Hex => `0x${number.toString(16).padStart(64, "0")}`;
const node: NodeSummary = {
  ...{
    index: 0,
    operator: `0x${"a0".repeat(20)}`,
    formerOperators: [],
    agent: `0x${"a0".repeat(20)}`,
    peerId: "",
    key: "0x",
  },
  ...{ admittedAt: 1, removedAt: null, predecessor: null, active: true },
};
/** Issued at 1,000; outcomes count from 1,100 to 1,700. */
const directiveOf = (number: number, change: Partial<IssuedDirective> = {}): IssuedDirective =>
  ({ id: idOf(number), status: "Issued", activeAt: 1_100, deadline: 1_700, epoch: 1, ...change }) as IssuedDirective;
const readyOn = (number: number): Statement => ({ directiveId: idOf(number), report: "ready", outcome: null });
const doneOn = (number: number): Statement => ({ ...readyOn(number), report: "done", outcome: idOf(99) });

/** What a node knows of a chain that has these directives. */
function open(...issued: IssuedDirective[]) {
  const clock = stepped();
  const latest = new LatestView(clock);
  latest.update({ committees: new Committees([node]), chainTime: 1_000 });
  const onChain = new Map(issued.map((directive) => [directive.id, directive]));
  const state = { now: 1_000, nodes: [node], slept: [] as number[], reads: [] as string[], broken: false };
  const read = (what: string) => {
    state.reads.push(what);
    if (state.broken) throw new Error("the line is broken");
  };
  const errors: unknown[] = [];
  const client = {
    chain: { now: async () => state.now },
    listIssuedDirectives: async () => {
      read("issued");
      return [...onChain.keys()].map((directiveId) => ({ directiveId }));
    },
    getDirective: async ({ directiveId }: { directiveId: Hex }) => {
      read(directiveId);
      const directive = onChain.get(directiveId);
      if (directive === undefined) throw new UnknownDirectiveError(directiveId);
      return directive;
    },
    listNodes: async () => {
      read("nodes");
      return state.nodes;
    },
  } as unknown as OpenDirectivesDependencies["client"];
  const directives = new OpenDirectives({
    ...{ client, latest, signal: new AbortController().signal },
    clock: {
      monotonic: () => clock.monotonic(),
      async sleep(milliseconds) {
        state.slept.push(milliseconds);
        clock.pass(milliseconds);
      },
    },
    onError: (error) => errors.push(error),
  });
  return { clock, directives, errors, latest, onChain, state };
}

describe("a report on a directive", () => {
  it("counts until its deadline; that of an end only once it is active", () => {
    const { clock, directives } = open();
    const directive = directiveOf(1);
    const accepted = () => [directives.accepts(directive, "ready"), directives.accepts(directive, "end")];
    const at = [0, 99_999, 1, 600_000, 1].map((milliseconds) => {
      clock.pass(milliseconds);
      return accepted();
    });
    expect(at).toEqual([
      [true, false],
      [true, false],
      [true, true],
      [true, true],
      [false, false],
    ]);
  });

  it("has the time that the chain's clock leaves it, whatever happens to the wall clock", () => {
    const { clock, directives } = open();
    clock.stepWall(3_600_000);
    expect(directives.secondsLeft(directiveOf(1))).toBe(700);
    clock.pass(500);
    expect(directives.secondsLeft(directiveOf(1))).toBe(699.5);
  });
});

describe("the directive of a peer's message", () => {
  it("is found without a reading where it is known, or has ended", async () => {
    const { directives, state } = open();
    directives.update([directiveOf(1), directiveOf(2, { status: "Done" })]);
    expect(directives.list).toEqual([directiveOf(1)]);
    expect(await directives.find(readyOn(1))).toEqual(directiveOf(1));
    expect(await directives.find(doneOn(2))).toBeUndefined();
    expect(state.reads).toEqual([]);
  });

  it("is read from the chain where its node has seen a newer block", async () => {
    const { directives, latest, state } = open(directiveOf(1));
    directives.update([]);
    state.now = 1_012;
    expect(await directives.find(readyOn(1))).toEqual(directiveOf(1));
    expect([state.reads, latest.chainTime()]).toEqual([["issued", idOf(1)], 1_012]);
  });

  it("accepts it by the time of the newer block", async () => {
    const { directives, state } = open(directiveOf(1));
    directives.update([directiveOf(1)]);
    expect(await directives.find(doneOn(1))).toBeUndefined();
    state.now = 1_100;
    expect(await directives.find(doneOn(1))).toEqual(directiveOf(1));
  });

  it("brings the nodes along where its committee is newer than what is known of them", async () => {
    const { directives, latest, state } = open(directiveOf(1, { epoch: 2 }));
    const newcomer = { ...node, index: 1, admittedAt: 2 };
    state.nodes = [node, newcomer];
    await directives.find(readyOn(1));
    expect(state.reads).toEqual(["issued", idOf(1), "nodes"]);
    expect(latest.committees.member(1, 2)).toEqual(newcomer);
  });

  it("costs one reading for all that wait, and one in half a second, however many are named", async () => {
    const { clock, directives, state } = open(directiveOf(7));
    const named = Array.from({ length: 300 }, (_, number) => readyOn(number));
    const found = await Promise.all(named.map((each) => directives.find(each)));
    expect(found.filter((each) => each !== undefined)).toEqual([directiveOf(7)]);
    expect([state.reads, state.slept]).toEqual([["issued", idOf(7)], [0]]);
    clock.pass(200);
    await Promise.all([directives.find(readyOn(1)), directives.find(readyOn(2))]);
    expect([state.reads.length, state.slept]).toEqual([3, [0, 300]]);
  });

  it("is not read for more than 1,024 at once: messages on others are sent again", async () => {
    const { directives, state } = open(directiveOf(0), directiveOf(1_024));
    const found = await Promise.all(Array.from({ length: 1_025 }, (_, number) => directives.find(readyOn(number))));
    expect([found[0], found[1_024]]).toEqual([directiveOf(0), undefined]);
    expect(state.reads).toEqual(["issued", idOf(0)]);
    expect(await directives.find(readyOn(1_024))).toEqual(directiveOf(1_024));
  });

  it("is unknown while the chain cannot be read, and found when it can", async () => {
    const { directives, errors, state } = open(directiveOf(1));
    state.broken = true;
    expect(await Promise.all([directives.find(readyOn(1)), directives.find(readyOn(2))])).toEqual([
      undefined,
      undefined,
    ]);
    expect(errors).toMatchObject([{ message: "the line is broken" }]);
    state.broken = false;
    expect(await directives.find(readyOn(1))).toEqual(directiveOf(1));
  });
});

describe("a directive that is looked at again", () => {
  it.each<DirectiveStatus>(["Done", "Failed", "Lapsed"])(
    "is gone once it is %s, and never asked for",
    async (status) => {
      const { directives, onChain, state } = open(directiveOf(1));
      directives.update([directiveOf(1)]);
      expect(await directives.refresh(idOf(1))).toEqual(directiveOf(1));
      onChain.set(idOf(1), directiveOf(1, { status }));
      expect(await directives.refresh(idOf(1))).toBeUndefined();
      expect([directives.get(idOf(1)), directives.list]).toEqual([undefined, []]);
      state.reads = [];
      expect(await directives.find(readyOn(1))).toBeUndefined();
      expect(state.reads).toEqual([]);
    },
  );

  it("is gone where a reorganisation took it back, and may be issued again", async () => {
    const { directives, onChain } = open();
    directives.update([directiveOf(1)]);
    expect(await directives.refresh(idOf(1))).toBeUndefined();
    onChain.set(idOf(1), directiveOf(1));
    expect(await directives.find(readyOn(1))).toEqual(directiveOf(1));
  });

  it("stays as it was while the chain cannot be read", async () => {
    const { directives, state } = open(directiveOf(1));
    directives.update([directiveOf(1)]);
    state.broken = true;
    await expect(directives.refresh(idOf(1))).rejects.toThrow("the line is broken");
    expect(directives.get(idOf(1))).toEqual(directiveOf(1));
  });
});
