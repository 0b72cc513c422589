import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { Attestation, Statement } from "../../../src/agent/attestations/statement.js";
import { AttestedOtherwiseError, OwnStatements } from "../../../src/agent/signing/ownStatements.js";

const directiveId = `0x${"11".repeat(32)}` as const;
const ready: Statement = { directiveId, report: "ready", outcome: null };
const done: Statement = { directiveId, report: "done", outcome: `0x${"22".repeat(32)}` };
const failed: Statement = { directiveId, report: "failed", outcome: `0x${"33".repeat(32)}` };

async function temporaryFile(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "witan-statements-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return join(dir, "attestations.jsonl");
}

async function open(path: string): Promise<OwnStatements> {
  const statements = await OwnStatements.open(path);
  onTestFinished(() => statements.close());
  return statements;
}

it("has one statement for each part of a directive: that it is ready, and how it ended", async () => {
  const statements = await open(await temporaryFile());
  expect(statements.get(directiveId, "ready")).toBeUndefined();
  await statements.record(ready);
  expect(statements.get(directiveId, "end")).toBeUndefined();
  await statements.record(failed);
  expect([statements.get(directiveId, "ready"), statements.get(directiveId, "end")]).toEqual([ready, failed]);
  const other: Statement = { ...done, directiveId: `0x${"44".repeat(32)}` };
  expect(await statements.record(other)).toEqual(other);
});

it.each<[string, Statement]>([
  ["another outcome", { ...done, outcome: `0x${"23".repeat(32)}` }],
  ["another end", { ...failed, outcome: done.outcome }],
])("refuses %s after a kill, and says what it has said before", async (_, wanted) => {
  const path = await temporaryFile();
  await (await open(path)).record(done);
  const after = await open(path);
  expect(await after.record({ ...done })).toEqual(done);
  const refusal = await after.record(wanted).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(AttestedOtherwiseError);
  expect(refusal).toMatchObject({ code: "attested-otherwise" });
  for (const said of ["done", wanted.report, done.outcome, wanted.outcome]) {
    expect((refusal as AttestedOtherwiseError).message).toContain(said);
  }
  expect((await open(path)).get(directiveId, "end")).toEqual(done);
});

it("lets one of two different ends through when both are recorded at once", async () => {
  const statements = await open(await temporaryFile());
  const results = await Promise.allSettled([statements.record(failed), statements.record(done)]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect(statements.get(directiveId, "end")).toEqual(failed);
});

it("keeps what is said and nothing else, also of an attestation that others have relayed", async () => {
  const path = await temporaryFile();
  const statements = await open(path);
  const attestation: Attestation = { ...done, index: 3, signature: new Uint8Array(96).fill(7) };
  expect(await statements.record(attestation)).toEqual(done);
  expect(JSON.parse(await readFile(path, "utf8"))).toEqual(done);
});

it("does not hold a statement that could not be written down", async () => {
  const statements = await open(await temporaryFile());
  await statements.close();
  await expect(statements.record(done)).rejects.toThrow();
  expect(statements.get(directiveId, "end")).toBeUndefined();
});
