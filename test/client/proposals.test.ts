import { id } from "ethers";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ProposalStateError, UnknownProposalError } from "../../src/client/index.js";
import { isRevert } from "../../src/ports/chain/index.js";
import { type Address, type Hex, type Order, Tracks, trackOfKind } from "../../src/records/index.js";
import { admissionOf, operatorKey, shortTracks } from "../fixtures/deploy.js";
import { admission, evidence, hash, newcomer, orders, rotationKey } from "./orders.js";
import { createSetting, failureOf, restart, type Setting } from "./setting.js";

describe("proposals", () => {
  let setting: Setting;
  let restore: () => Promise<void>;
  beforeAll(async () => {
    setting = await createSetting({ nodes: 5, guardian: operatorKey(4).address as Address });
  });
  afterAll(() => setting.close());
  beforeEach(async () => {
    restore = await setting.witan.snapshot();
  });
  afterEach(() => restore());

  const possession = () => admissionOf(setting.witan.operators[0] ?? newcomer, rotationKey) as typeof admission;
  /** An order with the keys that its effect needs. */
  const input = (order: Order) => ({
    order,
    evidence,
    ...(order.kind === "Admit" ? { admissions: [admission] } : {}),
    ...(order.kind === "RotateKey" ? { rotation: possession() } : {}),
  });

  it("of every kind are built, opened on their track, read back and found in agreement", async () => {
    const tally: string[] = [];
    for (const [i, order] of orders.entries()) {
      const client = setting.client(i % 5);
      const opened = await client.openProposal({ ...input(order), salt: id(`${i}`) as Hex });
      expect(opened.opened).toBe(true);
      const proposal = await setting
        .client((i + 1) % 5)
        .getProposal({ proposalId: opened.proposalId, withPayload: true });
      expect(proposal).toMatchObject({
        id: opened.proposalId,
        track: trackOfKind(order.kind),
        proposer: client.account,
        directive: opened.directive,
        directiveId: opened.directiveId,
        payload: opened.payload,
        evidence: [...evidence].sort(),
        votes: { for: 0, against: 0, abstain: 0 },
        eta: null,
        calls: opened.calls,
        rules: { committeeSize: 5 },
        transactionHash: opened.transactionHash,
      });
      const { payload } = proposal;
      if (payload === undefined) throw new Error("the payload was asked for");
      expect(client.checkProposal({ proposal, payload })).toEqual([]);
      tally.push(`${order.kind} ${proposal.track}`);
      expect(JSON.parse(JSON.stringify(proposal))).toEqual(proposal);
    }
    expect(new Set(tally).size).toBe(13);
  });

  it("have the id that the governor gives them", async () => {
    const { proposalId, calls, description } = setting.client().buildProposal(input(restart));
    const { governor, directives } = setting.client().chain.contracts;
    const theirs = await governor.hashProposal(
      calls.map((call) => call.target),
      calls.map((call) => call.value),
      calls.map((call) => call.data),
      id(description),
    );
    expect(proposalId).toBe(theirs.toString());
    const { directive, directiveId } = setting.client().buildProposal(input(restart));
    expect(directiveId).toBe(
      await directives.directiveId({ ...directive, kind: 3, evidence: [...directive.evidence] }),
    );
  });

  it("say what they are in words that follow from them", () => {
    const { description } = setting.client().buildProposal({ order: restart, evidence: [] });
    expect(description).toMatch(/^Restart replica\/web\/3\n\nwitan\/directive\/1 bafyrei\w+\nevidence: none$/);
  });

  it("are the same for all that see the same, in whatever order they saw it", () => {
    const anyEvidence = fc.uniqueArray(fc.string().map(hash), { maxLength: 16 });
    fc.assert(
      fc.property(anyEvidence, fc.constantFrom(...orders), (seen, order) => {
        const [a, b] = [0, 1].map((i) =>
          setting.client(i).buildProposal({ ...input(order), evidence: i ? seen : [...seen].reverse() }),
        );
        expect(a?.proposalId).toBe(b?.proposalId);
        const other = setting.client().buildProposal({ ...input(order), evidence: seen, salt: hash("another") });
        expect(other.proposalId).not.toBe(a?.proposalId);
      }),
      { numRuns: 50 },
    );
  });

  it("are not built of what is not whole", () => {
    const build = (parameters: Parameters<ReturnType<Setting["client"]>["buildProposal"]>[0]) => () =>
      setting.client().buildProposal(parameters);
    const invalid = expect.objectContaining({ code: "invalid-input" });
    const admit = orders.find(({ kind }) => kind === "Admit") ?? restart;
    const rotate = orders.find(({ kind }) => kind === "RotateKey") ?? restart;
    expect(build({ order: admit })).toThrow(invalid);
    expect(
      build({ order: admit, admissions: [{ ...admission, operator: hash("x").slice(0, 42) as Address }] }),
    ).toThrow(invalid);
    expect(build({ order: rotate })).toThrow(invalid);
    expect(build({ order: restart, window: 1.5 })).toThrow(invalid);
    expect(build({ order: restart, delay: 2 ** 32 })).toThrow(invalid);
    expect(build({ order: restart, evidence: Array.from({ length: 17 }, (_, i) => hash(`${i}`)) })).toThrow(invalid);
    expect(build({ order: { ...restart, replica: "" } as Order })).toThrow(
      expect.objectContaining({ code: "invalid-record" }),
    );
  });

  it("are opened once by five nodes that see one thing at one moment", async () => {
    const opened = await Promise.all(setting.clients.map((client) => client.openProposal(input(restart))));
    expect(new Set(opened.map(({ proposalId }) => proposalId)).size).toBe(1);
    expect(opened.filter(({ opened }) => opened)).toHaveLength(1);
    expect(new Set(opened.map(({ openedBy }) => openedBy)).size).toBe(1);
    expect(new Set(opened.map(({ transactionHash }) => transactionHash)).size).toBe(1);
    const created = await setting.client().chain.events({ names: ["ProposalCreated"] });
    expect(created.filter(({ args }) => args.proposalId.toString() === opened[0]?.proposalId)).toHaveLength(1);
  });

  it("are found in the block that is only being made", async () => {
    const rpc = (method: string, ...params: unknown[]) => setting.witan.provider.request({ method, params });
    await rpc("evm_setAutomine", false);
    const first = setting.client(0).openProposal(input(restart));
    while (((await rpc("eth_pendingTransactions")) as unknown[]).length === 0) await setting.client().chain.now();
    const second = setting.client(1).openProposal(input(restart));
    await setting.client().chain.now();
    await setting.witan.mine();
    await rpc("evm_setAutomine", true);
    expect(await first).toMatchObject({ opened: true });
    expect(await second).toMatchObject({ opened: false, openedBy: setting.client(0).account });
  });

  it("are found open by who comes later, without a transaction", async () => {
    await setting.client(0).openProposal(input(restart));
    const before = await setting.client().chain.blockNumber();
    const again = await setting.client(1).openProposal(input(restart));
    expect(again).toMatchObject({ opened: false, openedBy: setting.client(0).account, receipt: null });
    expect(await setting.client().chain.blockNumber()).toBe(before);
  });

  it("are opened by members alone, a bounded number at a time", async () => {
    const stranger = await setting.connect(operatorKey("stranger"));
    expect(await failureOf(stranger.openProposal(input(restart)))).toMatchObject({
      errorName: "GovernorInsufficientProposerVotes",
    });
    const flood = (n: number) => setting.client(0).openProposal({ ...input(restart), salt: hash(`${n}`) });
    for (let n = 0; n < shortTracks.emergency.openLimit; n++) await flood(n);
    const error = await failureOf(flood(99));
    expect(isRevert(error, "GovernorTooManyOpenProposals")).toBe(true);
    expect(error.args).toMatchObject({ limit: 8n, proposer: setting.client(0).account });
  });

  it("pass by the fast path, and are carried out once by whoever comes first", async () => {
    const { proposalId, directiveId } = await setting.client(0).openProposal(input(restart));
    await setting.witan.increaseTime(1);
    for (const index of [0, 1, 2])
      await setting.client(index).castVote({ proposalId, support: "for", reason: `node ${index}` });
    expect(await setting.client().getProposal({ proposalId })).toMatchObject({ state: "Active", votes: { for: 3 } });
    await setting.client(3).castVote({ proposalId, support: "for" });
    expect(await setting.client().getProposal({ proposalId })).toMatchObject({ state: "Succeeded", votes: { for: 4 } });
    expect(await failureOf(setting.client(4).castVote({ proposalId, support: "against" }))).toMatchObject({
      errorName: "GovernorUnexpectedProposalState",
    });

    const queued = await Promise.all(setting.clients.map((client) => client.queueProposal({ proposalId })));
    expect(queued.filter(({ receipt }) => receipt !== null)).toHaveLength(1);
    expect(new Set(queued.map(({ eta }) => eta)).size).toBe(1);
    await setting.witan.increaseTime(1);
    const executed = await Promise.all(setting.clients.map((client) => client.executeProposal({ proposalId })));
    expect(executed.filter(({ receipt }) => receipt !== null)).toHaveLength(1);
    expect(new Set(executed.map((one) => one.directiveId))).toEqual(new Set([directiveId]));
    expect((await setting.client().getProposal({ proposalId })).state).toBe("Executed");
    expect((await setting.client(2).queueProposal({ proposalId })).receipt).toBeNull();

    const ballots = await setting.client(4).listBallots({ proposalId });
    expect(ballots.map(({ voter, support, reason }) => [voter, support, reason])).toEqual([
      [setting.client(0).account, "for", "node 0"],
      [setting.client(1).account, "for", "node 1"],
      [setting.client(2).account, "for", "node 2"],
      [setting.client(3).account, "for", ""],
    ]);
  });

  it("wait for their timelock, and say how long", async () => {
    const order: Order = { kind: "Scale", workload: "web", replicas: 3 };
    const { proposalId } = await setting.client(0).openProposal(input(order));
    expect(await failureOf(setting.client().queueProposal({ proposalId }))).toMatchObject({ state: "Pending" });
    await setting.pass(proposalId);
    expect(await failureOf(setting.client().executeProposal({ proposalId }))).toBeInstanceOf(ProposalStateError);
    await setting.client(1).queueProposal({ proposalId });
    const early = await failureOf(setting.client().executeProposal({ proposalId }));
    expect(early).toBeInstanceOf(ProposalStateError);
    expect(early.message).toMatch(/timelock ends in \d+ s/);
    await setting.witan.increaseTime(shortTracks.operations.timelock);
    expect((await setting.client(2).executeProposal({ proposalId })).receipt).not.toBeNull();
  });

  it("of kinds that act on chain take effect there", async () => {
    const client = setting.client();
    const { nodes, parameters, governor } = client.chain.contracts;
    for (const [i, order] of orders.entries()) {
      const { proposalId } = await client.openProposal({ ...input(order), salt: id(`effect ${i}`) as Hex });
      await setting.carryOut(proposalId);
    }
    expect(await client.getModel({ name: "mnist" })).toMatchObject({
      model: hash("model"),
      parent: null,
      round: 3,
      version: 1,
    });
    expect(await client.listModels({ name: "mnist" })).toMatchObject([
      { model: hash("model"), version: 1, name: "mnist" },
    ]);
    expect(await client.getModel({ name: "mnist", version: 1 })).toMatchObject({ version: 1 });
    expect(await client.getModel({ name: "unheard of" })).toBeNull();
    expect(await failureOf(client.getModel({ name: "mnist", version: 2 }))).toMatchObject({
      errorName: "ModelRegistryUnknownVersion",
    });
    expect(await parameters.flag("0x6c6561726e696e672e656e61626c656400000000000000000000000000000000")).toBe(true);
    expect((await governor.trackRules(Tracks.indexOf("operations"))).votingPeriod).toBe(1_200n);
    expect(await nodes.isMember(newcomer.address, await nodes.epoch())).toBe(true);

    const active = await client.listNodes();
    expect(active.map(({ operator }) => operator)).toContain(newcomer.address);
    const all = await client.listNodes({ includeRemoved: true });
    expect(all.find(({ index }) => index === 4)).toMatchObject({ active: false });
    const rotated = active.find(({ predecessor }) => predecessor === 0);
    expect(rotated).toMatchObject({ operator: setting.client(0).account, key: possession().key });
    expect(rotated?.peerId).toMatch(/^12D3KooW/);
  });

  it("tell why their execution fails", async () => {
    const order: Order = {
      kind: "AcceptModel",
      name: "mnist",
      model: hash("m"),
      parent: hash("unknown"),
      round: 1,
      accuracy: 0.5,
    };
    const { proposalId } = await setting.client().openProposal(input(order));
    await setting.pass(proposalId);
    await setting.client().queueProposal({ proposalId });
    await setting.witan.increaseTime(shortTracks.operations.timelock);
    expect(await failureOf(setting.client().executeProposal({ proposalId }))).toMatchObject({
      errorName: "ModelRegistryStaleParent",
      contract: "ModelRegistry",
      args: { parent: hash("unknown") },
    });
  });

  it("are refused to voters that may not, vote twice, or say nothing known", async () => {
    const { proposalId } = await setting.client(0).openProposal(input(restart));
    await setting.witan.increaseTime(1);
    await setting.client(0).castVote({ proposalId, support: "abstain" });
    const again = await failureOf(setting.client(0).castVote({ proposalId, support: "for" }));
    expect(again).toMatchObject({ errorName: "GovernorAlreadyCastVote", args: { voter: setting.client(0).account } });
    const stranger = await setting.connect(operatorKey("stranger"));
    expect(await failureOf(stranger.castVote({ proposalId, support: "for" }))).toMatchObject({
      errorName: "GovernorNotMember",
    });
    const reader = await setting.connect();
    expect(await failureOf(reader.castVote({ proposalId, support: "for" }))).toMatchObject({ kind: "read-only" });
    const odd = { proposalId, support: "maybe" } as unknown as Parameters<typeof reader.castVote>[0];
    expect(await failureOf(setting.client(1).castVote(odd))).toMatchObject({ code: "invalid-input" });
    const wordy = { proposalId, support: "for", reason: "x".repeat(1_025) } as const;
    expect(await failureOf(setting.client(1).castVote(wordy))).toMatchObject({ code: "invalid-input" });
  });

  it("are decided by signed ballots that anybody brings, with or without a reason", async () => {
    const { proposalId } = await setting.client(0).openProposal(input(restart));
    await setting.witan.increaseTime(1);
    const plain = await setting.client(1).signBallot({ proposalId, support: "for" });
    const reasoned = await setting.client(2).signBallot({ proposalId, support: "against", reason: "it answers me" });
    for (const ballot of [plain, reasoned]) {
      expect(setting.client(0).verifyBallot(ballot)).toBe(true);
      await setting.client(0).castVoteBySig({ ballot });
    }
    expect(await setting.client().getProposal({ proposalId })).toMatchObject({ votes: { for: 1, against: 1 } });
    expect(await setting.client().listBallots({ proposalId })).toMatchObject([
      { voter: plain.voter, support: "for", reason: "" },
      { voter: reasoned.voter, support: "against", reason: "it answers me" },
    ]);
    expect(await failureOf(setting.client(3).castVoteBySig({ ballot: plain }))).toMatchObject({
      errorName: "GovernorAlreadyCastVote",
    });
  });

  it("are not decided by ballots that were changed, or signed for another chain or governor", async () => {
    const { proposalId } = await setting.client(0).openProposal(input(restart));
    await setting.witan.increaseTime(1);
    const ballot = await setting.client(1).signBallot({ proposalId, support: "for" });
    const elsewhere = {
      ...setting.client(1),
      chain: { ...setting.client(1).chain, chainId: 1 },
    };
    const { signBallot } = await import("../../src/client/index.js");
    const foreign = await signBallot(elsewhere, { proposalId, support: "for" });
    const otherGovernor = await signBallot(
      {
        ...elsewhere,
        chain: {
          ...setting.client(1).chain,
          addresses: { ...elsewhere.chain.addresses, NodeGovernor: newcomer.address as Address },
        },
      },
      { proposalId, support: "for" },
    );
    for (const bad of [
      { ...ballot, support: "against" as const },
      { ...ballot, voter: setting.client(2).account as Address },
      { ...ballot, reason: "added" },
      { ...ballot, signature: `${ballot.signature.slice(0, -4)}0000` as Hex },
      { ...ballot, signature: "0x12" as Hex },
      foreign,
      otherGovernor,
    ]) {
      expect(setting.client(0).verifyBallot(bad)).toBe(false);
      expect(await failureOf(setting.client(0).castVoteBySig({ ballot: bad }))).toMatchObject({
        errorName: "GovernorInvalidSignature",
      });
    }
    const reader = await setting.connect();
    expect(await failureOf(reader.signBallot({ proposalId, support: "for" }))).toMatchObject({ kind: "read-only" });
  });

  it("are listed newest first, by state and proposer", async () => {
    const first = await setting.client(0).openProposal({ ...input(restart), salt: hash("1") });
    const second = await setting.client(1).openProposal({ ...input(restart), salt: hash("2") });
    await setting.pass(first.proposalId);
    const ids = async (parameters: Parameters<ReturnType<Setting["client"]>["listProposals"]>[0]) =>
      (await setting.client(3).listProposals(parameters)).map((proposal) => proposal.id);
    expect(await ids({})).toEqual([second.proposalId, first.proposalId]);
    expect(await ids({ states: ["Active"] })).toEqual([second.proposalId]);
    expect(await ids({ proposer: setting.client(0).account })).toEqual([first.proposalId]);
    expect(await ids({ limit: 1 })).toEqual([second.proposalId]);
    const { blockNumber } = await setting.client().getProposal(second);
    expect(await ids({ fromBlock: blockNumber })).toEqual([second.proposalId]);
  });

  it("are not found where there are none", async () => {
    expect(await failureOf(setting.client().getProposal({ proposalId: "42" }))).toBeInstanceOf(UnknownProposalError);
    expect(await failureOf(setting.client().queueProposal({ proposalId: "42" }))).toBeInstanceOf(UnknownProposalError);
  });

  it("that a reorganisation took are opened anew", async () => {
    const back = await setting.witan.snapshot();
    const { proposalId } = await setting.client(0).openProposal(input(restart));
    expect((await setting.client(1).listProposals()).map((proposal) => proposal.id)).toEqual([proposalId]);
    await back();
    expect(await setting.client(1).listProposals()).toEqual([]);
    expect(await setting.client(1).openProposal(input(restart))).toMatchObject({ opened: true });
  });

  it("are watched from their opening to their execution, and on from a cursor", async () => {
    const stop = new AbortController();
    const changes = setting.client(4).watchProposals({ signal: stop.signal });
    const { proposalId } = await setting.client(0).openProposal(input(restart));
    await setting.carryOut(proposalId);
    const seen = [];
    while (seen.length < 7) seen.push((await changes.next()).value);
    expect(seen.map((change) => change?.change)).toEqual([
      "opened",
      "voted",
      "voted",
      "voted",
      "voted",
      "queued",
      "executed",
    ]);
    expect(new Set(seen.map((change) => change?.proposalId))).toEqual(new Set([proposalId]));
    const cursor = seen[4]?.event;
    const rest = setting.client(3).watchProposals({ signal: stop.signal, ...(cursor === undefined ? {} : { cursor }) });
    expect((await rest.next()).value?.change).toBe("queued");
    stop.abort();
    expect((await changes.next()).done).toBe(true);
  });
});
