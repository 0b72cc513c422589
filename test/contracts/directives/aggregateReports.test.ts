import type { SecretKey } from "@chainsafe/blst";
import { id, TypedDataEncoder, ZeroAddress, ZeroHash } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import { aggregateOver, bitmap } from "../../harness/contracts/ballots.js";
import {
  admissionOfSigner,
  type DirectiveContracts,
  deployDirectives,
  directiveOf,
  ethers,
  issue,
  networkHelpers,
  Report,
  Status,
} from "../../harness/contracts/directives.js";
import { G2_INFINITY, secretOf } from "../../harness/contracts/eip2537.js";
import { revertOf } from "../../harness/contracts/reverts.js";
import { removeNodes, rotateAgent } from "../../harness/contracts/seats.js";

const REPORT = {
  Report: [
    { name: "directiveId", type: "bytes32" },
    { name: "report", type: "uint8" },
    { name: "outcome", type: "bytes32" },
  ],
};
const OUTCOME = id("outcome");
const INVALID = ["NodeRegistryInvalidSignature"];

/** The signed fields of a report. */
interface Statement {
  directiveId: string;
  report: bigint;
  outcome: string;
  domain: { name: string; version: string; chainId: bigint; verifyingContract: string };
}

let contracts: DirectiveContracts;
let directiveId: string;
let domain: Statement["domain"];

/** Five nodes and a directive that is active. */
beforeEach(async () => {
  contracts = await networkHelpers.loadFixture(fiveNodes);
  directiveId = await issue(contracts);
  const verifyingContract = await contracts.directives.getAddress();
  domain = { name: "DirectiveRegistry", version: "1", chainId: 31_337n, verifyingContract };
});

async function fiveNodes(): Promise<DirectiveContracts> {
  return deployDirectives(5);
}

function node(index: number) {
  const found = contracts.nodes[index];
  if (!found) throw new Error(`there is no node ${index}`);
  return found;
}

/** In this harness a node's key is named by its operator. */
function secretAt(index: number): SecretKey {
  return secretOf(node(index).address);
}

function said(report: bigint, change: Partial<Statement> = {}): Statement {
  return { directiveId, report, outcome: report === Report.Ready ? ZeroHash : OUTCOME, domain, ...change };
}

function digestOf({ domain, ...words }: Statement): string {
  return TypedDataEncoder.hash(domain, REPORT, words);
}

/** Reports `statement` for nodes that signed it, or signed something else. */
async function report(statement: Statement, indices: number[], signed = statement, signers = indices) {
  const signature = aggregateOver(digestOf(signed), signers.map(secretAt));
  const { directives, stranger } = contracts;
  const sent = await directives
    .connect(stranger)
    .reportByAggregate(statement.directiveId, statement.report, statement.outcome, bitmap(indices), signature);
  return sent.wait();
}

/** Status and reports of a directive. */
async function known(of = directiveId) {
  const { directives, nodes } = contracts;
  const results = [Report.Done, Report.Failed].flatMap((result) =>
    [OUTCOME, id("other")].map((outcome) => directives.attestations(of, result, outcome)),
  );
  return {
    reports: await Promise.all(nodes.map((operator) => directives.reportOf(of, operator))),
    attestations: await Promise.all(results),
    issued: [...(await directives.issued(of))],
  };
}

async function refused(attempt: () => Promise<unknown>, refusal: unknown[]): Promise<void> {
  const before = await known();
  expect(await revertOf(attempt())).toEqual(refusal);
  expect(await known()).toEqual(before);
}

function eventsOf(receipt: Awaited<ReturnType<typeof report>>): unknown[][] {
  return (receipt?.logs ?? []).map((log) => {
    const event = contracts.directives.interface.parseLog(log);
    return [event?.name, ...(event?.args.toArray(true) ?? [])];
  });
}

describe("Reports that come together", () => {
  it("sign the digest that the contract names", async () => {
    for (const statement of [said(Report.Ready), said(Report.Done), said(Report.Failed, { outcome: id("other") })]) {
      const { report, outcome } = statement;
      expect(await contracts.directives.reportDigest(directiveId, report, outcome)).toBe(digestOf(statement));
    }
  });

  it("count readiness, then more than half of done, which enacts", async () => {
    const { directives } = contracts;
    expect(eventsOf(await report(said(Report.Ready), [0, 1, 2, 4]))).toEqual([
      ["ReportsCounted", directiveId, Report.Ready, ZeroHash, [23n]],
    ]);
    const ready = [1n, 1n, 1n, 0n, 1n];
    expect((await known()).reports).toEqual(ready);
    expect((await known()).attestations).toEqual([0n, 0n, 0n, 0n]);
    expect(await directives.attestations(directiveId, Report.Ready, ZeroHash)).toBe(0n);

    expect(eventsOf(await report(said(Report.Done), [0, 3, 4]))).toEqual([
      ["ReportsCounted", directiveId, Report.Done, OUTCOME, [25n]],
      ["DirectiveEnacted", directiveId, Report.Done, OUTCOME, 3n],
    ]);
    expect((await known()).reports).toEqual([2n, 1n, 1n, 2n, 2n]);
    expect((await known()).attestations).toEqual([3n, 0n, 0n, 0n]);
    expect(await directives.status(directiveId)).toBe(Status.Done);
    const issued = await directives.issued(directiveId);
    expect([issued.enacted, issued.outcome]).toEqual([Report.Done, OUTCOME]);
  });

  it("enact a failure as they enact a success", async () => {
    const events = eventsOf(await report(said(Report.Failed), [0, 1, 2, 3, 4]));
    expect(events[1]).toEqual(["DirectiveEnacted", directiveId, Report.Failed, OUTCOME, 5n]);
    expect(await contracts.directives.status(directiveId)).toBe(Status.Failed);
  });

  it.each<[string, number[][], number | undefined]>([
    ["all at once", [[0, 1, 2, 3, 4]], 0],
    ["half, then one", [[0, 1], [2]], 1],
    ["one by one", [[0], [1], [2], [3], [4]], 2],
    ["one, then all others", [[4], [0, 1, 2, 3]], 1],
    ["half at the most", [[0], [1]], undefined],
  ])("enact once, when they cross the half: %s", async (_what, parts, crossing) => {
    const enacted: number[] = [];
    for (const [i, part] of parts.entries()) {
      if (eventsOf(await report(said(Report.Done), part)).some(([name]) => name === "DirectiveEnacted"))
        enacted.push(i);
    }
    expect(enacted).toEqual(crossing === undefined ? [] : [crossing]);
    expect(await contracts.directives.attestations(directiveId, Report.Done, OUTCOME)).toBe(
      BigInt(parts.flat().length),
    );
    expect(await contracts.directives.status(directiveId)).toBe(crossing === undefined ? Status.Issued : Status.Done);
  });

  it("count with single reports, before them and after them", async () => {
    const { directives } = contracts;
    const single = (index: number, result: bigint = Report.Done, outcome = OUTCOME) =>
      directives.connect(node(index)).report(directiveId, result, outcome);
    await single(0, Report.Ready, ZeroHash);
    await report(said(Report.Ready), [1, 2]);
    await single(4);
    await report(said(Report.Done), [0, 2]);
    expect(await directives.status(directiveId)).toBe(Status.Done);
    await single(1);
    await report(said(Report.Done), [3]);
    expect((await known()).reports).toEqual([2n, 2n, 2n, 2n, 2n]);
    expect(await directives.attestations(directiveId, Report.Done, OUTCOME)).toBe(5n);
    expect(await directives.queryFilter(directives.filters.DirectiveEnacted)).toHaveLength(1);
  });

  it("count those that are new where one of the nodes reported first, and name those alone", async () => {
    const { directives } = contracts;
    await directives.connect(node(1)).report(directiveId, Report.Ready, ZeroHash);
    expect(eventsOf(await report(said(Report.Ready), [0, 1, 2]))).toEqual([
      ["ReportsCounted", directiveId, Report.Ready, ZeroHash, [5n]],
    ]);
    // One node has failed and says so by itself before it is brought with the others.
    await directives.connect(node(1)).report(directiveId, Report.Failed, OUTCOME);
    await directives.connect(node(0)).report(directiveId, Report.Done, OUTCOME);
    expect(eventsOf(await report(said(Report.Done), [0, 1, 2, 4]))).toEqual([
      ["ReportsCounted", directiveId, Report.Done, OUTCOME, [20n]],
      ["DirectiveEnacted", directiveId, Report.Done, OUTCOME, 3n],
    ]);
    expect((await known()).reports).toEqual([2n, 3n, 2n, 0n, 2n]);
    expect((await known()).attestations).toEqual([3n, 0n, 1n, 0n]);
  });

  it("are verified as a whole, those that count already too", async () => {
    await contracts.directives.connect(node(1)).report(directiveId, Report.Done, OUTCOME);
    const statement = said(Report.Done);
    await refused(() => report(statement, [0, 1], statement, [0]), INVALID);
    await report(statement, [0], statement, [0]);
  });

  it("enact by a single report what an aggregate has begun", async () => {
    await report(said(Report.Failed), [1, 3]);
    const sent = await contracts.directives.connect(node(0)).report(directiveId, Report.Failed, OUTCOME);
    expect(eventsOf(await sent.wait())[1]).toEqual(["DirectiveEnacted", directiveId, Report.Failed, OUTCOME, 3n]);
  });

  it("enact nothing when results or outcomes differ", async () => {
    await report(said(Report.Done), [0, 1]);
    await report(said(Report.Done, { outcome: id("other") }), [2, 3]);
    await report(said(Report.Failed), [4]);
    expect((await known()).attestations).toEqual([2n, 2n, 1n, 0n]);
    expect(await contracts.directives.status(directiveId)).toBe(Status.Issued);
  });

  it("are of the committee at the issue, and count where the seat still has that agent", async () => {
    const { registry, directives, later } = contracts;
    const newcomer = later[0];
    if (!newcomer) throw new Error("too few accounts");
    await removeNodes(registry, [0]);
    await rotateAgent(registry, 1, "fresh");
    await registry.admit([admissionOfSigner(newcomer)]);
    const added = aggregateOver(digestOf(said(Report.Done)), [secretAt(2), secretOf(newcomer.address)]);
    await refused(
      () => directives.reportByAggregate(directiveId, Report.Done, OUTCOME, bitmap([2, 6]), added),
      ["NodeRegistryNotMembers", 0n, 64n],
    );
    await report(said(Report.Done), [0, 1, 2]);
    expect(await directives.status(directiveId)).toBe(Status.Issued);
    await report(said(Report.Done), [3]);
    expect(await directives.status(directiveId)).toBe(Status.Done);

    await networkHelpers.time.increase(1);
    directiveId = await issue(contracts, { salt: id("later") });
    await refused(() => report(said(Report.Done), [0, 2]), ["NodeRegistryNotMembers", 0n, 1n]);
    await refused(() => report(said(Report.Done), [1, 2]), ["NodeRegistryNotMembers", 0n, 2n]);
    const secrets = [secretOf("fresh"), secretOf(newcomer.address), secretAt(2)];
    const signature = aggregateOver(digestOf(said(Report.Done)), secrets);
    await directives.reportByAggregate(directiveId, Report.Done, OUTCOME, bitmap([2, 5, 6]), signature);
    expect(await directives.status(directiveId)).toBe(Status.Done);
  });
});

describe("Reports that come together are refused", () => {
  it("when all of their nodes have ended their part, or are ready already", async () => {
    await report(said(Report.Ready), [0, 1]);
    await report(said(Report.Done), [1]);
    await contracts.directives.connect(node(2)).report(directiveId, Report.Failed, OUTCOME);
    const nothingNew = ["DirectiveRegistryNothingNew", directiveId];
    for (const [result, indices] of [
      [Report.Ready, [0]],
      [Report.Ready, [0, 1, 2]],
      [Report.Done, [1]],
      [Report.Done, [1, 2]],
      [Report.Failed, [1]],
      [Report.Failed, [1, 2]],
    ] as const) {
      await refused(() => report(said(result), [...indices]), nothingNew);
    }
    const other = said(Report.Done, { outcome: id("other") });
    await refused(() => report(other, [1, 2]), nothingNew);
    // And the other way round.
    for (const result of [Report.Ready, Report.Done, Report.Failed]) {
      const outcome = result === Report.Ready ? ZeroHash : OUTCOME;
      await refused(
        () => contracts.directives.connect(node(1)).report(directiveId, result, outcome),
        ["DirectiveRegistryAlreadyReported", directiveId, node(1).address, Report.Done],
      );
    }
    await refused(
      () => contracts.directives.connect(node(0)).report(directiveId, Report.Ready, ZeroHash),
      ["DirectiveRegistryAlreadyReported", directiveId, node(0).address, Report.Ready],
    );
  });

  it("when something else was signed", async () => {
    const statement = said(Report.Done);
    for (const signed of [
      said(Report.Failed),
      said(Report.Ready),
      said(Report.Done, { outcome: id("other") }),
      said(Report.Done, { directiveId: id("another directive") }),
      said(Report.Done, { domain: { ...domain, chainId: 1n } }),
      said(Report.Done, { domain: { ...domain, verifyingContract: ZeroAddress } }),
      said(Report.Done, { domain: { ...domain, name: "NodeGovernor" } }),
      said(Report.Done, { domain: { ...domain, version: "2" } }),
    ]) {
      await refused(() => report(statement, [0, 1], signed), INVALID);
    }
    await report(statement, [0, 1]);
  });

  it("when a report on one directive is brought for another", async () => {
    const another = await issue(contracts, { salt: id("another") });
    const elsewhere = said(Report.Done, { directiveId: another });
    await refused(() => report(said(Report.Done), [0, 1], elsewhere), INVALID);
    await report(elsewhere, [0, 1]);
  });

  it("when other nodes have signed", async () => {
    const statement = said(Report.Done);
    for (const claimed of [[0, 1, 2], [0], [1, 2], [2, 3]]) {
      await refused(() => report(statement, claimed, statement, [0, 1]), INVALID);
    }
  });

  it("for empty sets, unknown indices and malformed sets", async () => {
    const { directives } = contracts;
    const signature = aggregateOver(digestOf(said(Report.Done)), [secretAt(0)]);
    for (const [bits, refusal] of [
      [[], ["DirectiveRegistryNothingNew", directiveId]],
      [[0n], ["DirectiveRegistryNothingNew", directiveId]],
      [
        [1n, 0n],
        ["BitmapMalformed", 2n],
      ],
      [
        [1n, 1n],
        ["BitmapMalformed", 2n],
      ],
      [[33n], ["NodeRegistryNotMembers", 0n, 32n]],
      [[1n | (1n << 255n)], ["NodeRegistryNotMembers", 0n, 1n << 255n]],
    ] as const) {
      await refused(
        () => directives.reportByAggregate(directiveId, Report.Done, OUTCOME, [...bits], signature),
        [...refusal],
      );
    }
    for (const bad of [G2_INFINITY, "0x", `${signature}00`]) {
      await refused(() => directives.reportByAggregate(directiveId, Report.Done, OUTCOME, [1n], bad), INVALID);
    }
  });

  it("when they report None, or have an outcome where it does not belong", async () => {
    for (const statement of [
      said(Report.None),
      said(Report.None, { outcome: ZeroHash }),
      said(Report.Ready, { outcome: OUTCOME }),
      said(Report.Done, { outcome: ZeroHash }),
      said(Report.Failed, { outcome: ZeroHash }),
    ]) {
      const refusal = ["DirectiveRegistryInvalidReport", statement.report, statement.outcome];
      await refused(() => report(statement, [0, 1, 2]), refusal);
    }
  });

  it("before activation, but for readiness, and after the deadline", async () => {
    directiveId = await issue(contracts, { delay: 100, window: 100 });
    const { activeAt, deadline } = await contracts.directives.issued(directiveId);
    await report(said(Report.Ready), [0, 1]);
    for (const result of [Report.Done, Report.Failed]) {
      await refused(() => report(said(result), [0, 1]), ["DirectiveRegistryNotActive", directiveId, activeAt]);
    }
    await networkHelpers.time.setNextBlockTimestamp(activeAt);
    await report(said(Report.Done), [0]);
    await networkHelpers.time.setNextBlockTimestamp(deadline);
    await report(said(Report.Done), [1]);
    for (const result of [Report.Ready, Report.Done, Report.Failed]) {
      await refused(() => report(said(result), [2, 3]), ["DirectiveRegistryLapsed", directiveId, deadline]);
    }
    await networkHelpers.mine();
    expect(await contracts.directives.status(directiveId)).toBe(Status.Lapsed);
  });

  it("on a directive that was not issued", async () => {
    const unknown = said(Report.Done, { directiveId: id("none") });
    expect(await revertOf(report(unknown, [0]))).toEqual(["DirectiveRegistryUnknownDirective", id("none")]);
  });

  it("of a node that is admitted in the block of the issue", async () => {
    const { registry, directives, later } = contracts;
    const newcomer = later[0];
    if (!newcomer) throw new Error("too few accounts");
    const directive = directiveOf({ salt: id("same block"), base: directiveId });
    await ethers.provider.send("evm_setAutomine", [false]);
    await registry.admit([admissionOfSigner(newcomer)], { gasLimit: 1_000_000 });
    await directives.issue(directive, { gasLimit: 1_000_000 });
    await networkHelpers.mine();
    await ethers.provider.send("evm_setAutomine", [true]);

    directiveId = await directives.directiveId(directive);
    const signature = aggregateOver(digestOf(said(Report.Ready)), [secretAt(0), secretOf(newcomer.address)]);
    await refused(
      () => directives.reportByAggregate(directiveId, Report.Ready, ZeroHash, bitmap([0, 5]), signature),
      ["NodeRegistryNotMembers", 0n, 32n],
    );
    expect(await registry.isIndexMember(5, await registry.epoch())).toBe(true);
  });
});
