import { describe, expect, it } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { LatestView } from "../../../src/agent/aggregation/latestView.js";
import { equivocationIncident } from "../../../src/agent/ballots/equivocationIncident.js";
import { Equivocations } from "../../../src/agent/ballots/equivocations.js";
import { OpenProposals } from "../../../src/agent/ballots/openProposals.js";
import type { Equivocation } from "../../../src/agent/ballots/pool.js";
import type { Client, NodeBallot, NodeSummary, Proposal, Support } from "../../../src/client/index.js";
import { GossipError } from "../../../src/ports/gossip/index.js";
import type { Address, Incident } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { stepped } from "../../harness/clock.js";

const accountOf = (index: number): Address => `0x${`a${index}`.repeat(20)}`;
const nodeOf = (index: number, change: Partial<NodeSummary> = {}): NodeSummary => ({
  ...{ index, operator: accountOf(index), formerOperators: [], agent: accountOf(index), peerId: "", key: "0x" },
  ...{ admittedAt: 1, removedAt: null, predecessor: null, active: true, ...change },
});
const proposalOf = (id: string): Proposal => ({ id, state: "Active", rules: { epoch: 1 } }) as Proposal;
const ballotOf = (index: number, support: Support, proposalId = "7"): NodeBallot => ({
  ...{ proposalId, index, support },
  signature: new Uint8Array(96).fill(index + 1),
});
const pairOf = (index: number, proposalId = "7"): Equivocation => ({
  first: ballotOf(index, "against", proposalId),
  second: ballotOf(index, "for", proposalId),
});
const incidentOf = (index: number) => equivocationIncident(pairOf(index), nodeOf(index));

/** What a node has found out, of three nodes and one open vote. */
function open(isSigned: (ballot: NodeBallot, node: Pick<NodeSummary, "operator">) => boolean | undefined = () => true) {
  const clock = stepped();
  const latest = new LatestView(clock);
  const proposals = new OpenProposals({} as Client, clock, { has: () => true });
  const warnings: { message: string; [field: string]: unknown }[] = [];
  const logger = createLogger("warn", (line) => warnings.push(JSON.parse(line)));
  const see = (...nodes: NodeSummary[]) => latest.update({ committees: new Committees(nodes), chainTime: 1_000 });
  see(nodeOf(0), nodeOf(1), nodeOf(2));
  proposals.update([proposalOf("7")]);
  const found = new Equivocations({
    ...{ latest, logger, open: proposals },
    isSigned: async (ballot, node) => isSigned(ballot, node as NodeSummary),
  });
  return { found, proposals, see, warnings };
}

describe("a node that signs two different ballots", () => {
  it("is named in one incident, on however many votes it does so", () => {
    const { found, proposals, warnings } = open();
    proposals.update([proposalOf("7"), proposalOf("8")]);
    for (const pair of [pairOf(1), pairOf(1, "8"), pairOf(2)]) found.report(pair);
    expect(found.incidents()).toEqual([incidentOf(1), incidentOf(2)]);
    expect(warnings).toMatchObject([
      { proposalId: "7", index: 1, operator: nodeOf(1).operator },
      { proposalId: "8", index: 1 },
      { proposalId: "7", index: 2 },
    ]);
  });

  it("is named once its vote is known, and not for one that nobody makes", () => {
    const { found, proposals, warnings } = open();
    found.report(pairOf(1, "99"));
    found.update();
    expect([found.incidents(), warnings]).toEqual([[], []]);
    proposals.update([proposalOf("7"), proposalOf("99")]);
    found.update();
    found.update();
    expect(found.incidents()).toEqual([equivocationIncident(pairOf(1, "99"), nodeOf(1))]);
    expect(warnings).toHaveLength(1);
  });

  it("is forgotten with a vote that never began", () => {
    const { found, proposals } = open();
    for (const id of ["98", "99"]) found.report(pairOf(1, id));
    found.forget("98");
    proposals.update([proposalOf("98")]);
    found.update();
    expect(found.incidents()).toEqual([]);
    proposals.update([proposalOf("99")]);
    found.update();
    expect(found.incidents()).toHaveLength(1);
  });

  it("is named after its vote has ended too: what it did stays true", () => {
    const { found, proposals } = open();
    found.report(pairOf(1));
    found.forget("7");
    proposals.update([]);
    expect(found.incidents()).toEqual([incidentOf(1)]);
  });

  it("is named as long as it is a member", () => {
    const { found, see } = open();
    found.report(pairOf(1));
    see(nodeOf(0), nodeOf(1, { removedAt: 2 }));
    expect(found.incidents()).toEqual([]);
    see(nodeOf(0), nodeOf(1));
    expect(found.incidents()).toEqual([incidentOf(1)]);
  });

  it("is not named where it had no vote", () => {
    const { found, see } = open();
    see(nodeOf(0), nodeOf(1, { admittedAt: 2 }));
    found.report(pairOf(1));
    expect(found.incidents()).toEqual([]);
  });
});

describe("an incident of another observer", () => {
  it("is true where the node that it names has signed both ballots", async () => {
    const asked: [Support, string][] = [];
    const { found } = open(({ support }, { operator }) => asked.push([support, operator]) > 0);
    expect(await found.proves(incidentOf(1))).toBe(true);
    expect(asked.sort()).toEqual([
      ["against", nodeOf(1).operator],
      ["for", nodeOf(1).operator],
    ]);
  });

  it("stays true once it is resolved, whatever the order of its fields", async () => {
    const { found } = open();
    const incident = incidentOf(1);
    const observed = Object.fromEntries(Object.entries(incident.observed).reverse());
    const resolved = { ...incident, observed, resolution: { outcome: "fixed" } } as unknown as Incident;
    expect(await found.proves(resolved)).toBe(true);
  });

  it.each<Support>(["for", "against"])("is not true where the ballot %s is not the node's", async (forged) => {
    const { found } = open(({ support }) => support !== forged);
    expect(await found.proves(incidentOf(1))).toBe(false);
  });

  it.each<[string, (incident: Incident) => unknown]>([
    ["another severity", (incident) => ({ ...incident, severity: "low" })],
    ["another kind", (incident) => ({ ...incident, kind: "replica-down" })],
    ["another node as its subject", (incident) => ({ ...incident, subject: "node/2" })],
    ["a node that there is not", () => equivocationIncident(pairOf(6), nodeOf(6))],
    ["another operator", ({ observed, ...rest }) => ({ ...rest, observed: { ...observed, operator: "0x01" } })],
    ["more than was observed", ({ observed, ...rest }) => ({ ...rest, observed: { ...observed, more: 1 } })],
    ["another probe", (incident) => ({ ...incident, detection: { probe: "rumour" } })],
    [
      "the ballots in another order than all others write",
      ({ observed, ...rest }) => ({
        ...rest,
        observed: { ...observed, first: observed.second, second: observed.first },
      }),
    ],
  ])("is not true with %s, and no signature is looked at", async (_, change) => {
    const { found } = open(() => {
      throw new Error("a signature was looked at");
    });
    expect(await found.proves(change(incidentOf(1)) as Incident)).toBe(false);
  });

  it("is neither true nor false while too many ballots wait to be verified", async () => {
    const { found } = open(() => undefined);
    await expect(found.proves(incidentOf(1))).rejects.toThrow(GossipError);
  });
});
