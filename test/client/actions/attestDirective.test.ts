import { getBytes } from "ethers";
import { beforeAll, describe, expect, it } from "vitest";
import { reportWords } from "../../../src/client/directives/report.js";
import type { AttestDirectiveParameters, DirectiveReport, NodeAttestation } from "../../../src/client/index.js";
import { hashReport } from "../../../src/ports/chain/index.js";
import { type BlsLibrary, loadBls } from "../../../src/ports/keys/index.js";
import type { ContentId, Hex } from "../../../src/records/index.js";
import { issue, restartOf } from "../../harness/client/directives.js";
import { useTestDao } from "../../harness/dao.js";

const outcome: ContentId = `0x${"ab".repeat(32)}`;
const other: ContentId = `0x${"cd".repeat(32)}`;

const dao = useTestDao();
let bls: BlsLibrary;
beforeAll(async () => {
  bls = await loadBls();
});

/** As an agent signs it: by the node's BLS key. */
function attestation(
  index: number,
  directiveId: Hex,
  report: DirectiveReport,
  cited: ContentId | null,
): NodeAttestation {
  const { addresses, chainId } = dao.client().chain;
  const words = reportWords(report, cited);
  const digest = hashReport({ chainId, directives: addresses.DirectiveRegistry }, { directiveId, ...words });
  return { index, signature: bls.sign(dao.witan.blsKeys[index] ?? new Uint8Array(), getBytes(digest)) };
}

const by = (indices: readonly number[], ...said: [Hex, DirectiveReport, ContentId | null]) =>
  indices.map((index) => attestation(index, ...said));

const statements = async (directiveId: Hex) =>
  (await dao.client().listReports({ directiveId })).map(({ node, report, outcome: cited }) => [
    dao.witan.operators.findIndex(({ address }) => address === node),
    report,
    cited,
  ]);

describe("reports that one node brings for many", () => {
  it("are digests as the contract has them", async () => {
    const { addresses, chainId, contracts } = dao.client().chain;
    const directiveId = await issue(dao, { order: restartOf("digest") });
    for (const [report, cited] of [
      ["ready", null],
      ["done", outcome],
      ["failed", other],
    ] as const) {
      const words = reportWords(report, cited);
      const expected = await contracts.directives.reportDigest(directiveId, words.report, words.outcome);
      expect(hashReport({ chainId, directives: addresses.DirectiveRegistry }, { directiveId, ...words })).toBe(
        expected,
      );
    }
  });

  it("count together, first who is ready, then what enacts the directive", async () => {
    const directiveId = await issue(dao, { order: restartOf("together") });
    // The node that brings them need not be among them.
    const client = dao.client(4);
    const ready = { directiveId, report: "ready", attestations: by([2, 0], directiveId, "ready", null) } as const;
    expect((await client.attestDirective(ready)).logs.map(({ name }) => name)).toEqual(["ReportsCounted"]);

    const done = { directiveId, report: "done", outcome, attestations: by([3, 0, 1], directiveId, "done", outcome) };
    const { logs } = await client.attestDirective(done as AttestDirectiveParameters);
    expect(logs.map(({ name }) => name)).toEqual(["ReportsCounted", "DirectiveEnacted"]);
    expect(await client.getDirective({ directiveId })).toMatchObject({ status: "Done", outcome });
    expect(await statements(directiveId)).toEqual([
      [0, "ready", null],
      [2, "ready", null],
      [0, "done", outcome],
      [1, "done", outcome],
      [3, "done", outcome],
    ]);
  });

  it("count where a node has reported already, each node once, until nothing is new", async () => {
    const directiveId = await issue(dao, { order: restartOf("overlap") });
    await dao.client(1).reportDirective({ directiveId, report: "done", outcome });
    const attestations = by([0, 1], directiveId, "failed", outcome);
    await dao.client(4).attestDirective({ directiveId, report: "failed", outcome, attestations });
    expect(await statements(directiveId)).toEqual([
      [1, "done", outcome],
      [0, "failed", outcome],
    ]);
    await expect(
      dao.client(4).attestDirective({ directiveId, report: "failed", outcome, attestations }),
    ).rejects.toMatchObject({ errorName: "DirectiveRegistryNothingNew", args: { directiveId } });
  });

  it("are refused by the contract if one signature is not of its report", async () => {
    const directiveId = await issue(dao, { order: restartOf("lie") });
    const [good, bad] = [attestation(0, directiveId, "done", outcome), attestation(1, directiveId, "done", other)];
    await expect(
      dao.client().attestDirective({ directiveId, report: "done", outcome, attestations: [good, bad] }),
    ).rejects.toMatchObject({ errorName: "NodeRegistryInvalidSignature" });
  });

  it("are refused before anything is sent if there are none", async () => {
    const directiveId = await issue(dao, { order: restartOf("nonsense") });
    const good = attestation(0, directiveId, "done", outcome);
    const attest = (change: Partial<AttestDirectiveParameters>) =>
      dao.client().attestDirective({ directiveId, report: "done", outcome, attestations: [good], ...change });
    const short = { index: 1, signature: new Uint8Array(95) };
    for (const [change, reason] of [
      [{ attestations: [] }, "at least one signature"],
      [{ attestations: [good, good] }, "A node signs once."],
      [{ attestations: [good, short] }, "A signature has 96 bytes, not 95."],
      [{ attestations: [{ ...good, index: -1 }] }, "not -1"],
      [{ attestations: [{ ...good, index: 0.5 }] }, "not 0.5"],
      [{ attestations: [{ ...good, index: 2 ** 32 }] }, "not 4294967296"],
      [{ report: "ready" }, 'A report "ready" has no outcome.'],
      [{ outcome: undefined }, 'A report "done" needs an outcome.'],
      [{ report: "none" as DirectiveReport }, 'not "none"'],
    ] as const) {
      await expect(attest(change)).rejects.toMatchObject({
        code: "invalid-input",
        shortMessage: expect.stringContaining(reason),
      });
    }
    const noPoint = { index: 0, signature: new Uint8Array(96) };
    await expect(attest({ attestations: [noPoint] })).rejects.toMatchObject({ code: "invalid-signature" });
    const reader = await dao.connect();
    await expect(
      reader.attestDirective({ directiveId, report: "done", outcome, attestations: [good] }),
    ).rejects.toMatchObject({ code: "read-only" });
    expect(await statements(directiveId)).toEqual([]);
  });
});
