import { describe, expect, it } from "vitest";
import { deviationsOf, nextProposal, windowNow } from "../../../src/client/proposals/attempts.js";
import { composeProposal, type ProposalParameters } from "../../../src/client/proposals/composeProposal.js";
import { issueCall } from "../../../src/client/proposals/directiveCall.js";
import { type ProposalState, ProposalStates } from "../../../src/client/proposals/proposal.js";
import { encodeCall, encodeName, hashProposal, NO_CONTENT } from "../../../src/ports/chain/index.js";
import { directiveSalt, type Hex, type Order, parseSalt, subjectHash, Tracks } from "../../../src/records/index.js";
import { addresses, contextOf, revertOf } from "../../harness/fakeClient.js";
import { idOf } from "../../records/samples.js";

const scale: Order = { kind: "Scale", workload: "web", replicas: 3 };
const restart: Order = { kind: "Restart", replica: "web/3", instance: "5072@907997" };
const flag: Order = { kind: "SetFlag", name: "learning", value: true };
const NOW = 1_000_000;
const WINDOW = Math.floor(NOW / 300);

const compose = (parameters: ProposalParameters) => composeProposal(addresses, parameters);
/** The attempts of an order, from 0, in these states. */
const attemptsOf = (parameters: ProposalParameters, ...states: ProposalState[]) =>
  states.map((state, attempt): [string, ProposalState] => [compose({ ...parameters, attempt }).proposalId, state]);

/** A chain with these proposals and last orders, on which Emergency alone has no voting delay. */
function clientOf(proposals: readonly [string, ProposalState][] = [], lastOrders: Record<Hex, Hex> = {}) {
  const known = new Map(proposals);
  const asked: string[] = [];
  const governor = {
    state: async (proposalId: string) => {
      asked.push(proposalId);
      const state = known.get(proposalId);
      if (state === undefined) throw revertOf("GovernorNonexistentProposal");
      return BigInt(ProposalStates.indexOf(state));
    },
    trackRules: async (track: number) => ({ votingDelay: track === Tracks.indexOf("emergency") ? 0n : 60n }),
  };
  const directives = { lastIssued: async (subject: Hex) => lastOrders[subject] ?? NO_CONTENT };
  const client = contextOf({ chain: { now: async () => NOW, contracts: { directives, governor } } });
  return { client, asked };
}

const WEB = subjectHash("workload/web");
const onBase = { order: scale, base: idOf("before") };

describe("the proposal that nodes open now", () => {
  it("is the first of its order where there was none", async () => {
    const { client } = clientOf();
    expect(await nextProposal(client, { order: flag })).toEqual(compose({ order: flag }));
  });

  it.each(["Pending", "Active", "Succeeded", "Queued"] as const)(
    "is the one that is %s, which may still pass",
    async (state) => {
      const parameters = { order: flag };
      const { client } = clientOf(attemptsOf(parameters, "Executed", state));
      expect(await nextProposal(client, parameters)).toEqual(compose({ ...parameters, attempt: 1 }));
    },
  );

  it.each(["Canceled", "Defeated", "Expired", "Executed"] as const)(
    "is the next where the last is %s",
    async (state) => {
      const parameters = { order: flag };
      const { client } = clientOf(attemptsOf(parameters, "Executed", state));
      expect(await nextProposal(client, parameters)).toEqual(compose({ ...parameters, attempt: 2 }));
    },
  );

  it("is the lowest that may still pass, though somebody opened a higher one before", async () => {
    const parameters = { order: flag };
    const higher = [1, 2, 3].map((attempt): [string, ProposalState] => [
      compose({ ...parameters, attempt }).proposalId,
      "Defeated",
    ]);
    expect((await nextProposal(clientOf(higher).client, parameters)).directive.salt).toBe(directiveSalt(0, 0));
  });

  it("is on the last order of its subject: after another, the attempts begin anew", async () => {
    const { client } = clientOf(attemptsOf(onBase, "Executed"), { [WEB]: idOf("after") });
    const { directive } = await nextProposal(client, { order: scale });
    expect(directive).toMatchObject({ base: idOf("after"), salt: NO_CONTENT });
  });

  it("names no base where its kind orders nothing on a workload", async () => {
    const { client } = clientOf([], { [subjectHash("flag/learning")]: idOf("never") });
    expect((await nextProposal(client, { order: flag })).directive.base).toBe(NO_CONTENT);
  });

  it("names the window of this moment where its track has no voting delay, and none on others", async () => {
    const { client } = clientOf();
    const [now, none] = await Promise.all([restart, scale].map((order) => nextProposal(client, { order })));
    expect(parseSalt(now?.directive.salt ?? NO_CONTENT)).toEqual({ window: BigInt(WINDOW), attempt: 0 });
    expect(parseSalt(none?.directive.salt ?? NO_CONTENT)).toEqual({ window: 0n, attempt: 0 });
    expect(await Promise.all(Tracks.map((track) => windowNow(client, track)))).toEqual([WINDOW, 0, 0, 0]);
  });

  it("has the base and the window that its caller names, as of a proposal heard of before", async () => {
    const { client } = clientOf();
    const parameters = { order: restart, base: idOf("before"), openingWindow: WINDOW - 1 };
    expect(await nextProposal(client, parameters)).toEqual(compose(parameters));
  });
});

describe("a proposal that others would open too", () => {
  it("is the one that they make, whatever its attempt and window", async () => {
    const cases: [ProposalParameters, [string, ProposalState][]][] = [
      [{ order: flag }, []],
      [{ order: flag }, attemptsOf({ order: flag }, "Executed", "Defeated")],
      [onBase, attemptsOf(onBase, "Defeated")],
      [{ order: restart }, attemptsOf({ order: restart, openingWindow: WINDOW }, "Expired")],
    ];
    for (const [parameters, proposals] of cases) {
      const { client } = clientOf(proposals, { [WEB]: idOf("before") });
      expect(await deviationsOf(client, await nextProposal(client, parameters))).toEqual([]);
    }
  });

  it("is asked nothing of where it issues no directive: there is no order to give again", async () => {
    expect(await deviationsOf(contextOf(), { calls: [], descriptionHash: NO_CONTENT, directive: null })).toEqual([]);
  });
});

describe("a proposal that others would not open", () => {
  it("is on another base than the last order of its subject", async () => {
    const { client } = clientOf([], { [WEB]: idOf("after") });
    expect(await deviationsOf(client, compose(onBase))).toEqual([
      `another order on its subject was issued: ${idOf("after")}`,
    ]);
  });

  it.each(["Pending", "Active", "Succeeded", "Queued"] as const)("comes after one that is %s", async (state) => {
    const { client } = clientOf(attemptsOf({ order: flag }, "Executed", state));
    const found = await deviationsOf(client, compose({ order: flag, attempt: 2 }));
    expect(found).toEqual([`attempt 1 of the same order is ${state}`]);
  });

  it("skips a number, as one does who wants to keep out the others", async () => {
    const { client } = clientOf(attemptsOf({ order: flag }, "Executed"));
    const found = await deviationsOf(client, compose({ order: flag, attempt: 2 }));
    expect(found).toEqual(["attempt 1 of the same order was never opened"]);
  });

  it("has an attempt beyond all that nodes make, which costs those who check it nothing", async () => {
    const { asked, client } = clientOf();
    for (const attempt of [10_001, 0xffff_ffff]) {
      const found = await deviationsOf(client, compose({ order: flag, attempt }));
      expect(found).toEqual([`attempt ${attempt} is too high`]);
    }
    expect(asked).toEqual([]);
    await deviationsOf(client, compose({ order: flag, attempt: 10_000 }));
    expect(asked).toHaveLength(1);
  });

  it("names a window on a track whose proposals have none", async () => {
    const found = await deviationsOf(clientOf().client, compose({ order: flag, openingWindow: WINDOW }));
    expect(found).toEqual([`it names window ${WINDOW} in its salt`]);
  });

  it("is told also where its salt is larger than any that nodes make", async () => {
    const built = compose({ order: restart });
    const salt: Hex = `0x${"ff".repeat(28)}00000001`;
    const directive = { ...built.directive, salt };
    const calls = [issueCall(addresses, directive)];
    const found = await deviationsOf(clientOf().client, { ...built, calls, directive });
    expect(found).toEqual([`it names window ${BigInt(salt) >> 32n} in its salt`]);
  });

  it("has the same calls before its directive in every attempt", async () => {
    const other = encodeCall(addresses, "ParameterRegistry", "setFlag", [encodeName("flag"), true]);
    const { descriptionHash, directive } = compose({ order: scale, attempt: 1 });
    const callsOf = (attempt: number) => [
      other,
      issueCall(addresses, { ...directive, salt: directiveSalt(0, attempt) }),
    ];
    const { client } = clientOf([[hashProposal(callsOf(0), descriptionHash), "Active"]]);
    const found = await deviationsOf(client, { calls: callsOf(1), descriptionHash, directive });
    expect(found).toEqual(["attempt 0 of the same order is Active"]);
  });
});
