import * as dagCbor from "@ipld/dag-cbor";
import { describe, expect, it, vi } from "vitest";
import { equivocationIncident } from "../../../src/agent/ballots/equivocationIncident.js";
import { readChainView } from "../../../src/agent/chainView.js";
import { FastLane } from "../../../src/agent/loop/fastLane.js";
import type { Support } from "../../../src/client/index.js";
import { issueCall } from "../../../src/client/proposals/directiveCall.js";
import { GossipError } from "../../../src/ports/gossip/index.js";
import {
  type Address,
  contentIdOf,
  contentIdToCid,
  directiveSalt,
  encodeRecord,
  type Hex,
  type Incident,
  type Order,
} from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { proposeRaw } from "../../faults/hostileMember.js";
import { operatorKey } from "../../harness/deploy.js";
import { downIncident } from "../../harness/listedFleet.js";
import { replica } from "../../policy/fixtures.js";
import { createBallotMesh, slowTracks } from "../ballots/ballotMesh.js";
import { createVotingNode } from "./votingNode.js";

const restart: Order = { kind: "Restart", replica: "web/3", instance: "web-3/1" };
/** An order on which nodes vote Against too: it claims no fact. */
const scale: Order = { kind: "Scale", workload: "web", replicas: 4 };
const ban: Order = { kind: "Ban", operators: [operatorKey(2).address as Address], reason: "it lies" };
const down: Incident = downIncident("web/3", "web-3/1");
const deadReplica = replica(3, { alive: false, healthy: false, instance: "web-3/1" });

describe("a ban that nothing proves", () => {
  it("is left to people, without a ballot and with one word about it", async () => {
    const { hasVoted, logs, decide, propose } = await createVotingNode();
    const proposal = await propose(ban);
    expect([await decide(proposal), await decide(proposal)]).toEqual([undefined, undefined]);
    expect(await hasVoted(proposal)).toBe(false);
    expect(logs).toMatchObject([{ message: "left to people", proposalId: proposal.id, kind: "Ban" }]);
  });
});

describe("an incident that accuses a node of two ballots", () => {
  /** Two ballots of node 2 on one proposal, signed by a node, and what is written down of them. */
  async function accused(by: number, exchanges: boolean) {
    const mesh = await createBallotMesh({ nodes: 3, tracks: slowTracks() });
    await mesh.start([0]);
    await mesh.update(0);
    const { exchange } = mesh.node(0);
    const voting = await createVotingNode({ mesh, exchange: exchanges ? exchange : undefined });
    const sign = (support: Support) => mesh.sign("7", 2, support, mesh.dao.witan.blsKeys[by]);
    const pair = { first: await sign("for"), second: await sign("against") };
    const [, , node] = await voting.client.listNodes();
    if (node === undefined) throw new Error("there is no node 2");
    const { contentId } = await voting.anchor({ kind: "Incident", value: equivocationIncident(pair, node) });
    const proposal = await voting.propose(ban, contentId);
    await mesh.update(0);
    return { ...voting, proposal };
  }

  it("decides where the node has signed both", async () => {
    const { decide, proposal } = await accused(2, true);
    expect(await decide(proposal)).toMatchObject({ support: "for" });
  });

  it("is left to people where the seat has an agent of its own: its key may have been stolen", async () => {
    const { client, decide, proposal } = await accused(2, true);
    const nodes = await client.listNodes();
    const agent: Address = `0x${"a9".repeat(20)}`;
    vi.spyOn(client, "listNodes").mockResolvedValue(
      nodes.map((node) => (node.index === 2 ? { ...node, agent } : node)),
    );
    expect(await decide(proposal)).toBeUndefined();
  });

  it("is a lie where another has signed them", async () => {
    const { decide, proposal } = await accused(1, true);
    expect(await decide(proposal)).toMatchObject({
      support: "against",
      reason: expect.stringMatching(/is invalid: the node it names has not signed both ballots$/),
    });
  });

  it("proves nothing to a node that exchanges no ballots", async () => {
    const { hasVoted, decide, proposal } = await accused(2, false);
    expect(await decide(proposal)).toBeUndefined();
    expect(await hasVoted(proposal)).toBe(false);
  });
});

describe("the payload of a proposal", () => {
  it("is kept by a node that votes For it, so that the order can be read when it is issued", async () => {
    const { anchor, pinned, decide, propose, seen } = await createVotingNode();
    seen.replicas = [deadReplica];
    const proposal = await propose(restart, (await anchor({ kind: "Incident", value: down })).contentId);
    pinned.length = 0;
    expect(await decide(proposal)).toMatchObject({ support: "for" });
    expect(pinned).toEqual([`payload/${contentIdToCid(proposal.directive?.payload ?? "0x")}`]);
  });

  it("is not kept by a node that votes Against it", async () => {
    const { anchor, blocks, pinned, decide, propose } = await createVotingNode();
    const { cid, contentId } = await anchor({ kind: "Incident", value: down });
    blocks.alter(cid);
    const proposal = await propose(scale, contentId);
    pinned.length = 0;
    expect(await decide(proposal)).toMatchObject({ support: "against" });
    expect(pinned).toEqual([]);
  });
});

describe("a proposal of a member who writes to break what reads it", () => {
  /** Its description is not UTF-8, and its payload has a key that an error quotes: the character at the cut has two halves. */
  async function hostile({ client, mesh }: Awaited<ReturnType<typeof createVotingNode>>, before: number) {
    const { directive, payload } = client.buildProposal({ order: scale });
    const bytes = dagCbor.encode({ ...payload, [`${"a".repeat(before)}${"🚀".repeat(40_000)}`]: 1 });
    await client.content.put(bytes);
    const calls = [issueCall(client.chain.addresses, { ...directive, payload: contentIdOf(bytes) })];
    const proposalId = await proposeRaw(client, Uint8Array.of(0xc3), { calls });
    const { start } = await client.getProposal({ proposalId });
    await mesh.dao.witan.increaseTime(Math.max(1, start - (await client.chain.now()) + 1));
    return client.getProposal({ proposalId });
  }

  it("gets a ballot Against, whose reason the chain takes", async () => {
    const node = await createVotingNode();
    for (const before of [0, 1]) {
      const proposal = await hostile(node, before);
      expect(await node.decide(proposal)).toMatchObject({ support: "against", reason: expect.stringMatching(/🚀…$/u) });
      expect(await node.hasVoted(proposal)).toBe(true);
    }
  });
});

describe("evidence that may only be on its way", () => {
  it.each(["unanchored", "missing"])("is looked at twice before a ballot Against: %s", async (status) => {
    const { anchor, blocks, client, hasVoted, logs, decide, propose } = await createVotingNode();
    const { bytes, contentId } = encodeRecord("Incident", down);
    if (status === "unanchored") await client.content.put(bytes);
    else blocks.delete((await anchor({ kind: "Incident", value: down })).cid);
    const proposal = await propose(scale, contentId);
    expect(await decide(proposal)).toBeUndefined();
    expect(await hasVoted(proposal)).toBe(false);
    expect(logs).toEqual([]);
    const reason = expect.stringContaining(`is ${status}`);
    expect(await decide(proposal)).toMatchObject({ support: "against", reason });
    expect(await hasVoted(proposal)).toBe(true);
  });

  it("goes with a payload that nobody has yet: it is looked at twice, too", async () => {
    const { anchor, blocks, hasVoted, decide, propose, seen } = await createVotingNode();
    seen.replicas = [deadReplica];
    const { contentId } = await anchor({ kind: "Incident", value: down });
    const proposal = await propose(restart, contentId);
    const payload = contentIdToCid(proposal.directive?.payload ?? contentId);
    const bytes = blocks.get(payload);
    blocks.delete(payload);
    expect(await decide(proposal)).toBeUndefined();
    expect(await hasVoted(proposal)).toBe(false);
    if (bytes !== undefined) blocks.set(payload, bytes);
    expect(await decide(proposal)).toMatchObject({ support: "for" });
  });

  it("counts as any other where it comes between the two", async () => {
    const { anchor, decide, propose, seen } = await createVotingNode();
    seen.replicas = [deadReplica];
    const proposal = await propose(restart, encodeRecord("Incident", down).contentId);
    expect(await decide(proposal)).toBeUndefined();
    await anchor({ kind: "Incident", value: down });
    expect(await decide(proposal)).toMatchObject({ support: "for" });
  });

  it("is not waited for where it was altered", async () => {
    const { anchor, blocks, decide, propose } = await createVotingNode();
    const { cid, contentId } = await anchor({ kind: "Incident", value: down });
    blocks.alter(cid);
    expect(await decide(await propose(scale, contentId))).toMatchObject({ support: "against" });
  });

  it("is waited for as long as nobody has opened the proposal", async () => {
    const mesh = await createBallotMesh({ nodes: 3 });
    await mesh.start([0]);
    const { exchange } = mesh.node(0);
    const { anchor, client, logger, decide, seen, self } = await createVotingNode({ mesh, exchange });
    seen.replicas = [deadReplica];
    const { contentId } = encodeRecord("Incident", down);
    const plan = { order: restart, subject: "replica/web/3", evidence: [contentId], delay: 0, window: 60 };
    const lane = new FastLane({ self, client, clock: systemClock, logger, isVotedOn: () => false });
    const view = await readChainView(client);
    await lane.route([plan], view);
    const [unopened] = lane.unopened;
    if (unopened === undefined) throw new Error("the fast lane has no proposal");
    await exchange.update({ ...view, proposals: [] }, lane.unopened);
    for (let times = 0; times < 3; times++) expect(await decide(unopened)).toBeUndefined();
    await anchor({ kind: "Incident", value: down });
    expect(await decide(unopened)).toMatchObject({ support: "for" });
    expect(exchange.view(unopened.id).known).toEqual([{ index: 0, support: "for" }]);
  });
});

describe("a claim of fact", () => {
  const alive = { ...deadReplica, alive: true, healthy: true };

  it("that a node does not see gets no ballot from it, and For as soon as it sees the same", async () => {
    const { anchor, hasVoted, logs, decide, propose, seen } = await createVotingNode();
    const proposal = await propose(restart, (await anchor({ kind: "Incident", value: down })).contentId);
    seen.replicas = [alive];
    for (let times = 0; times < 3; times++) expect(await decide(proposal)).toBeUndefined();
    expect([await hasVoted(proposal), logs]).toEqual([false, []]);
    seen.replicas = [deadReplica];
    expect(await decide(proposal)).toMatchObject({ support: "for" });
    expect(await hasVoted(proposal)).toBe(true);
  });

  it.each(["missing", "altered", "unanchored"])(
    "whose evidence is %s gets no ballot, however often it is looked at",
    async (status) => {
      const { anchor, blocks, hasVoted, logs, decide, propose } = await createVotingNode();
      const { cid, contentId } =
        status === "unanchored" ? encodeRecord("Incident", down) : await anchor({ kind: "Incident", value: down });
      if (status === "missing") blocks.delete(cid);
      if (status === "altered") blocks.alter(cid);
      const proposal = await propose(restart, contentId);
      for (let times = 0; times < 3; times++) expect(await decide(proposal)).toBeUndefined();
      expect([await hasVoted(proposal), logs]).toEqual([false, []]);
    },
  );

  it("gets no ballot Against even where it contradicts itself: it just ends", async () => {
    const { hasVoted, decide, propose } = await createVotingNode();
    const proposal = await propose(restart);
    for (let times = 0; times < 3; times++) expect(await decide(proposal)).toBeUndefined();
    expect(await hasVoted(proposal)).toBe(false);
  });
});

describe("a proposal that nodes which see the same would not open", () => {
  const setFlag: Order = { kind: "SetFlag", name: "learning", value: true };

  it("is left to people, with the reasons and one word about it", async () => {
    const { anchor, hasVoted, logs, decide, open } = await createVotingNode();
    const { contentId } = await anchor({ kind: "Incident", value: down });
    const proposal = await open({ order: restart, evidence: [contentId], delay: 4_294_967_295 });
    for (let times = 0; times < 3; times++) expect(await decide(proposal)).toBeUndefined();
    expect(await hasVoted(proposal)).toBe(false);
    expect(logs).toMatchObject([
      {
        message: "left to people",
        kind: "Restart",
        deviations: [expect.stringContaining("4294967295 s after its issue")],
      },
    ]);
  });

  it("because an earlier one is open is voted on as soon as that has ended", async () => {
    const mesh = await createBallotMesh({ nodes: 3 });
    const { decide, logs, open, propose } = await createVotingNode({ mesh });
    const [first, second] = [await propose(setFlag), await open({ order: setFlag, attempt: 1 })];
    expect(await decide(second)).toBeUndefined();
    expect(logs).toMatchObject([{ message: "left to people", deviations: ["attempt 0 of the same order is Active"] }]);
    await mesh.dao.carryOut(first.id);
    expect(await decide(second)).toMatchObject({ support: "for" });
  });

  it("has its reasons, whatever salt a stranger made up", async () => {
    const { client, propose } = await createVotingNode();
    const { directive, ...proposal } = await propose(setFlag);
    if (directive === null) throw new Error("it issues no directive");
    const reasonsOf = (salt: Hex) =>
      client.listDeviations({ proposal: { ...proposal, directive: { ...directive, salt } } });
    expect(await reasonsOf(directive.salt)).toEqual([]);
    // The highest window and attempt, the highest window alone, and an attempt that needs ten thousand earlier ones.
    for (const salt of [`0x${"ff".repeat(32)}`, `0x${"ff".repeat(28)}00000001`, directiveSalt(0, 10_000)] as const) {
      expect(await reasonsOf(salt)).toHaveLength(1);
    }
  });

  it("keeps no agent from voting on the one that they open", async () => {
    const { decide, open, propose } = await createVotingNode();
    const hostile = [await open({ order: setFlag, attempt: 7 }), await open({ order: setFlag, openingWindow: 5 })];
    const proposal = await propose(setFlag);
    for (const each of hostile) expect(await decide(each)).toBeUndefined();
    expect(await decide(proposal)).toMatchObject({ support: "for" });
  });
});

describe("evidence that a node cannot look at now", () => {
  const failure = { level: "warn", message: "a job failed and will be tried again" };

  it.each(["eth_getLogs", "anchorOf"])("is nobody's fault where the chain gives no answer: %s", async (what) => {
    const { anchor, client, hasVoted, rpc, logs, decide, propose, seen } = await createVotingNode();
    seen.replicas = [deadReplica];
    const { contentId } = await anchor({ kind: "Incident", value: down });
    const proposal = await propose(restart, contentId);
    const { selector } = client.chain.contracts.knowledge.anchorOf.fragment;
    rpc.fails = (method, data) => method === what || (what === "anchorOf" && data.startsWith(selector));
    for (let times = 0; times < 3; times++) expect(await decide(proposal)).toBeUndefined();
    expect(await hasVoted(proposal)).toBe(false);
    expect(logs).toMatchObject([failure]);
    rpc.fails = () => false;
    expect(await decide(proposal)).toMatchObject({ support: "for" });
  });

  it("is nobody's fault where too many ballots wait to be verified", async () => {
    const mesh = await createBallotMesh({ nodes: 3, tracks: slowTracks() });
    await mesh.start([0]);
    const { exchange } = mesh.node(0);
    const crowd: Promise<unknown>[] = [];
    const busy = {
      update: (...all: Parameters<typeof exchange.update>) => exchange.update(...all),
      needs: (...all: Parameters<typeof exchange.needs>) => exchange.needs(...all),
      cast: (...all: Parameters<typeof exchange.cast>) => exchange.cast(...all),
      incidents: () => exchange.incidents(),
      signedOn: (...all: Parameters<typeof exchange.signedOn>) => exchange.signedOn(...all),
      view: (...all: Parameters<typeof exchange.view>) => exchange.view(...all),
      /** Just as many ballots come before it the first time as may wait. */
      proves: (incident: Incident) => {
        if (crowd.length === 0) for (let n = 0; n < 1_024; n++) crowd.push(exchange.proves(incident));
        return exchange.proves(incident);
      },
    };
    const { anchor, client, logs, decide, propose } = await createVotingNode({ mesh, exchange: busy });
    const pair = { first: await mesh.sign("7", 2, "for"), second: await mesh.sign("7", 2, "against") };
    const [, , node] = await client.listNodes();
    if (node === undefined) throw new Error("there is no node 2");
    const { contentId } = await anchor({ kind: "Incident", value: equivocationIncident(pair, node) });
    const proposal = await propose(ban, contentId);
    await mesh.update(0);

    expect(await decide(proposal)).toBeUndefined();
    const { message: reason } = new GossipError("Too many ballots wait to be verified.");
    expect(logs).toMatchObject([{ ...failure, reason }]);
    await Promise.allSettled(crowd);
    expect(await decide(proposal)).toMatchObject({ support: "for" });
  });
});
