import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { EquivocationError, OwnBallots } from "../../../src/agent/signing/ownBallots.js";

const path = async () => join(await mkdtemp(join(tmpdir(), "witan-ballots-")), "ballots.jsonl");
const ballot = (support: "for" | "against") => ({ proposalId: "7", support, reason: "because" });

/** A journal that is closed after the test, at the latest. */
async function openBallots(file: string): Promise<OwnBallots> {
  const ballots = await OwnBallots.open(file);
  onTestFinished(() => ballots.close());
  return ballots;
}

it("remembers a ballot across a restart and refuses another one then", async () => {
  const file = await path();
  const before = await openBallots(file);
  await before.record(ballot("for"));
  await before.close();
  const after = await openBallots(file);
  expect(after.get("7")).toEqual(ballot("for"));
  expect(await after.record({ ...ballot("for"), reason: "another reason" })).toEqual(ballot("for"));
  await expect(after.record(ballot("against"))).rejects.toThrow(EquivocationError);
});

it("lets one of two different ballots through when both are recorded at once", async () => {
  const box = await openBallots(await path());
  const results = await Promise.allSettled([box.record(ballot("against")), box.record(ballot("for"))]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect(box.get("7")?.support).toBe("against");
});

it("does not hold a ballot that could not be written down", async () => {
  const box = await openBallots(await path());
  await box.close();
  await expect(box.record(ballot("for"))).rejects.toThrow();
  expect(box.get("7")).toBeUndefined();
});
