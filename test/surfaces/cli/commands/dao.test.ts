import { afterAll, beforeAll, expect, it } from "vitest";
import { dao } from "../../../../src/surfaces/cli/commands/dao.js";
import { type Network, run, startNetwork } from "../../network.js";

let network: Network;
beforeAll(async () => {
  network = await startNetwork();
});
afterAll(() => network.close());

it("verifies that nobody owns the DAO, as a table and as JSON", async () => {
  const { out } = await run(dao, "verify", "--network", network.networkFile);
  expect(out).toMatch(/ok\s+genesis is closed/);
  expect(out).not.toContain("NOT SO");
  const checks = JSON.parse((await run(dao, "verify", "--network", network.networkFile, "--json")).out);
  expect(checks.length).toBeGreaterThan(20);
  expect(checks.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
});
