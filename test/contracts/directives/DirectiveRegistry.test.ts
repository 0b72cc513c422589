import { AbiCoder, id, keccak256, toBeHex, ZeroHash } from "ethers";
import { describe, expect, it } from "vitest";
import {
  admissionOfSigner,
  deployDirectives,
  directiveOf,
  ethers,
  issue,
  networkHelpers,
  Report,
  Status,
} from "../../harness/contracts/directives.js";
import { removeNodes, rotateAgent } from "../../harness/contracts/seats.js";

const DIRECTIVE =
  "tuple(uint8 kind, bytes32 subject, bytes32 payload, uint32 delay, uint32 window, bytes32 salt, bytes32 base, bytes32[] evidence)";
const ids = (count: number) => Array.from({ length: count }, (_, i) => toBeHex(i + 1, 32));

describe("DirectiveRegistry", () => {
  it("names a directive by a hash of all its fields", async () => {
    const { directives } = await deployDirectives(1);
    const seen = new Set<string>();
    for (const change of [
      {},
      { kind: 12 },
      { subject: id("other") },
      { payload: id("other") },
      { delay: 1 },
      { window: 1 },
      { salt: id("other") },
      { base: id("other") },
      { evidence: ids(2) },
    ]) {
      const directive = directiveOf(change);
      const expected = keccak256(AbiCoder.defaultAbiCoder().encode([DIRECTIVE], [directive]));
      expect(await directives.directiveId(directive)).toBe(expected);
      seen.add(expected);
    }
    expect(seen.size).toBe(9);
  });

  it("issues with times counted from the issue and the committee that stood before it", async () => {
    const { directives, nodes } = await deployDirectives(3);
    const directive = directiveOf({ kind: 5, delay: 60, window: 600, evidence: ids(16) });
    const receipt = await (await directives.issue(directive)).wait();
    const now = BigInt(await networkHelpers.time.latest());
    const directiveId = await directives.directiveId(directive);

    const expected = [5n, now, now + 60n, now + 660n, 1n, 3n, Report.None, ZeroHash];
    expect([...(await directives.issued(directiveId))]).toEqual(expected);
    expect(await directives.status(directiveId)).toBe(Status.Issued);
    expect(await directives.reportOf(directiveId, nodes[0] ?? "")).toBe(Report.None);
    const event = directives.interface.parseLog(receipt?.logs[0] ?? { topics: [], data: "0x" });
    expect(event?.name).toBe("DirectiveIssued");
    expect([event?.args[0], event?.args[1], event?.args[2]]).toEqual([directiveId, 5n, directive.subject]);
    expect([event?.args[4], event?.args[5], event?.args[6]]).toEqual([now + 60n, now + 660n, 1n]);
    expect([...(event?.args[3].evidence ?? [])]).toEqual(directive.evidence);
  });

  it("refuses directives without subject or payload, without a window, or with evidence out of order", async () => {
    const { directives } = await deployDirectives(1);
    for (const change of [
      { window: 0 },
      { payload: ZeroHash },
      { evidence: [ZeroHash] },
      { evidence: [ZeroHash, id("a")] },
      { evidence: ids(2).reverse() },
      { evidence: [id("a"), id("a")] },
      { evidence: ids(17) },
    ]) {
      await expect(directives.issue(directiveOf(change))).rejects.toThrow("DirectiveRegistryInvalidDirective()");
    }
    await expect(directives.issue(directiveOf({ kind: 16 }))).rejects.toThrow();
  });

  it("issues a directive once", async () => {
    const contracts = await deployDirectives(1);
    const directiveId = await issue(contracts);
    const again = contracts.directives.issue(directiveOf());
    await expect(again).rejects.toThrow(`DirectiveRegistryAlreadyIssued("${directiveId}")`);
  });

  it("issues for the timelock alone", async () => {
    const { directives, nodes, stranger, timelock } = await deployDirectives(1);
    expect(await directives.timelock()).toBe(timelock.address);
    for (const caller of [stranger, ...nodes]) {
      const refused = directives.connect(caller).issue(directiveOf());
      await expect(refused).rejects.toThrow(`DirectiveRegistryUnauthorized("${caller.address}")`);
    }
  });

  it("knows nothing of what was not issued", async () => {
    const { directives, nodes } = await deployDirectives(1);
    const unknown = `DirectiveRegistryUnknownDirective("${id("none")}")`;
    expect(await directives.status(id("none"))).toBe(Status.Unknown);
    await expect(directives.issued(id("none"))).rejects.toThrow(unknown);
    await expect(directives.reportOf(id("none"), nodes[0] ?? "")).rejects.toThrow(unknown);
    await expect(directives.report(id("none"), Report.Done, id("outcome"))).rejects.toThrow(unknown);
  });

  it("goes from ready to done, and is enacted by more than half", async () => {
    const contracts = await deployDirectives(5);
    const { directives, nodes } = contracts;
    const directiveId = await issue(contracts);
    const outcome = id("outcome");
    const enacted = async () => (await directives.queryFilter(directives.filters.DirectiveEnacted)).length;

    for (const node of nodes.slice(0, 3)) {
      await directives.connect(node).report(directiveId, Report.Ready, ZeroHash);
      expect(await directives.reportOf(directiveId, node)).toBe(Report.Ready);
    }
    for (const [i, node] of nodes.slice(0, 2).entries()) {
      await directives.connect(node).report(directiveId, Report.Done, outcome);
      expect(await directives.attestations(directiveId, Report.Done, outcome)).toBe(BigInt(i + 1));
    }
    expect(await directives.status(directiveId)).toBe(Status.Issued);
    expect(await enacted()).toBe(0);

    const third = nodes[2] ?? contracts.stranger;
    const receipt = await (await directives.connect(third).report(directiveId, Report.Done, outcome)).wait();
    const [reported, enactment] = (receipt?.logs ?? []).map((log) => directives.interface.parseLog(log));
    expect([reported?.name, ...(reported?.args ?? [])]).toEqual([
      "DirectiveReported",
      directiveId,
      third.address,
      Report.Done,
      outcome,
    ]);
    expect([enactment?.name, ...(enactment?.args ?? [])]).toEqual([
      "DirectiveEnacted",
      directiveId,
      Report.Done,
      outcome,
      3n,
    ]);
    expect(await directives.status(directiveId)).toBe(Status.Done);
    const issued = await directives.issued(directiveId);
    expect([issued.enacted, issued.outcome]).toEqual([Report.Done, outcome]);

    // Later reports are counted and change nothing.
    await directives.connect(nodes[3] ?? third).report(directiveId, Report.Done, outcome);
    await directives.connect(nodes[4] ?? third).report(directiveId, Report.Failed, id("other"));
    expect(await enacted()).toBe(1);
    await networkHelpers.time.increase(5_000);
    expect(await directives.status(directiveId)).toBe(Status.Done);
  });

  it("enacts a failure as it enacts a success", async () => {
    const contracts = await deployDirectives(3);
    const { directives, nodes } = contracts;
    const directiveId = await issue(contracts);
    for (const node of nodes.slice(0, 2)) {
      await directives.connect(node).report(directiveId, Report.Failed, id("why"));
    }
    expect(await directives.status(directiveId)).toBe(Status.Failed);
  });

  it("enacts nothing when results or outcomes differ, and lapses", async () => {
    const contracts = await deployDirectives(4);
    const { directives, nodes } = contracts;
    const directiveId = await issue(contracts, { window: 100 });
    const reports = [
      [Report.Done, id("a")],
      [Report.Done, id("b")],
      [Report.Failed, id("a")],
      [Report.Done, id("a")],
    ] as const;
    for (const [i, [report, outcome]] of reports.entries()) {
      await directives.connect(nodes[i]).report(directiveId, report, outcome);
    }
    expect(await directives.attestations(directiveId, Report.Done, id("a"))).toBe(2n);
    expect(await directives.status(directiveId)).toBe(Status.Issued);
    const { deadline } = await directives.issued(directiveId);
    await networkHelpers.time.increaseTo(deadline);
    expect(await directives.status(directiveId)).toBe(Status.Issued);
    await networkHelpers.time.increase(1);
    expect(await directives.status(directiveId)).toBe(Status.Lapsed);
  });

  it("asks more than half of any committee", async () => {
    const { directives } = await deployDirectives(1);
    for (const [size, needed] of [
      [1, 1n],
      [2, 2n],
      [3, 2n],
      [4, 3n],
      [5, 3n],
      [500, 251n],
      [2 ** 32 - 1, 2n ** 31n],
    ] as const) {
      expect(await directives.threshold(size)).toBe(needed);
    }
  });

  it("takes results from activation to the deadline, and readiness before", async () => {
    const contracts = await deployDirectives(3);
    const [first, second, third] = contracts.nodes;
    const { directives } = contracts;
    const directiveId = await issue(contracts, { delay: 100, window: 100 });
    const { activeAt, deadline } = await directives.issued(directiveId);

    await directives.connect(first).report(directiveId, Report.Ready, ZeroHash);
    const early = directives.connect(first).report(directiveId, Report.Done, id("outcome"));
    await expect(early).rejects.toThrow(`DirectiveRegistryNotActive("${directiveId}", ${activeAt})`);

    await networkHelpers.time.setNextBlockTimestamp(activeAt);
    await directives.connect(first).report(directiveId, Report.Done, id("outcome"));
    await networkHelpers.time.setNextBlockTimestamp(deadline);
    await directives.connect(second).report(directiveId, Report.Failed, id("outcome"));
    for (const [report, outcome] of [
      [Report.Ready, ZeroHash],
      [Report.Done, id("outcome")],
    ] as const) {
      const late = directives.connect(third).report(directiveId, report, outcome);
      await expect(late).rejects.toThrow(`DirectiveRegistryLapsed("${directiveId}", ${deadline})`);
    }
  });

  it("refuses reports of None, and outcomes where they do not belong", async () => {
    const contracts = await deployDirectives(1);
    const directiveId = await issue(contracts);
    const node = contracts.directives.connect(contracts.nodes[0]);
    for (const [report, outcome] of [
      [Report.None, ZeroHash],
      [Report.None, id("outcome")],
      [Report.Ready, id("outcome")],
      [Report.Done, ZeroHash],
      [Report.Failed, ZeroHash],
    ] as const) {
      const invalid = `DirectiveRegistryInvalidReport(${report}, "${outcome}")`;
      await expect(node.report(directiveId, report, outcome)).rejects.toThrow(invalid);
    }
  });

  it("takes one ready and one final report of a node", async () => {
    const contracts = await deployDirectives(3);
    const directiveId = await issue(contracts);
    const [first, second] = contracts.nodes;
    if (!first || !second) throw new Error("too few nodes");
    const already = (report: bigint, address: string) =>
      `DirectiveRegistryAlreadyReported("${directiveId}", "${address}", ${report})`;
    const node = contracts.directives.connect(first);
    await node.report(directiveId, Report.Ready, ZeroHash);
    await expect(node.report(directiveId, Report.Ready, ZeroHash)).rejects.toThrow(already(1n, first.address));
    await node.report(directiveId, Report.Done, id("outcome"));
    for (const [report, outcome] of [
      [Report.Ready, ZeroHash],
      [Report.Done, id("outcome")],
      [Report.Failed, id("other")],
    ] as const) {
      await expect(node.report(directiveId, report, outcome)).rejects.toThrow(already(2n, first.address));
    }
    // Readiness may be left out.
    await contracts.directives.connect(second).report(directiveId, Report.Failed, id("outcome"));
    expect(await contracts.directives.reportOf(directiveId, second)).toBe(Report.Failed);
  });

  it("takes reports of the committee at the issue, and counts those of who is still seated with the same agent", async () => {
    const contracts = await deployDirectives(3);
    const { directives, registry, stranger, later } = contracts;
    const [first, second, third] = contracts.nodes;
    const newcomer = later[0];
    if (!first || !second || !third || !newcomer) throw new Error("too few nodes");
    const directiveId = await issue(contracts);
    await removeNodes(registry, [0]);
    await rotateAgent(registry, 1, "fresh");
    await registry.admit([admissionOfSigner(newcomer)]);

    for (const outsider of [newcomer, stranger]) {
      const refused = directives.connect(outsider).report(directiveId, Report.Done, id("outcome"));
      await expect(refused).rejects.toThrow(`DirectiveRegistryNotMember("${outsider.address}", 1)`);
      expect(await directives.reportOf(directiveId, outsider)).toBe(Report.None);
    }
    await directives.connect(second).report(directiveId, Report.Done, id("outcome"));
    const again = directives.connect(second).report(directiveId, Report.Done, id("outcome"));
    await expect(again).rejects.toThrow("DirectiveRegistryAlreadyReported");
    await directives.connect(first).report(directiveId, Report.Done, id("outcome"));
    expect(await directives.status(directiveId)).toBe(Status.Issued);
    await directives.connect(third).report(directiveId, Report.Done, id("outcome"));
    expect(await directives.status(directiveId)).toBe(Status.Done);
  });

  it("does not count a node that is admitted in the block of the issue", async () => {
    const contracts = await deployDirectives(2);
    const { directives, registry, later } = contracts;
    const newcomer = later[0];
    if (!newcomer) throw new Error("too few accounts");
    await ethers.provider.send("evm_setAutomine", [false]);
    await registry.admit([admissionOfSigner(newcomer)], { gasLimit: 1_000_000 });
    await directives.issue(directiveOf(), { gasLimit: 1_000_000 });
    await networkHelpers.mine();
    await ethers.provider.send("evm_setAutomine", [true]);

    const issued = await directives.issued(await directives.directiveId(directiveOf()));
    expect([issued.epoch, issued.committeeSize]).toEqual([1n, 2n]);
    expect(await registry.epoch()).toBe(2n);
  });
});
