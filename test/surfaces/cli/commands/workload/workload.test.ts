import { afterAll, beforeAll, expect, it } from "vitest";
import { proposal } from "../../../../../src/surfaces/cli/commands/proposal/proposal.js";
import { workload } from "../../../../../src/surfaces/cli/commands/workload/workload.js";
import { ExitCodes } from "../../../../../src/surfaces/cli/exitCodes.js";
import { enact, releaseNamed } from "../../../../harness/workloads.js";
import { type Network, run, startNetwork } from "../../../network.js";

let network: Network;
let base: readonly string[];
let key: readonly string[];

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
  key = ["--key", network.member, "--password-file", network.passwordFile];
  for (const index of [0, 1]) {
    const host = { labels: { zone: "ab"[index] as string }, addresses: [], slots: 20, draining: false };
    await network.setting.client(index).describeHost({ host });
  }
});
afterAll(() => network.close());

const fileOf = (release: string, spec: object = {}, more: object = {}) =>
  network.file("workload.json", {
    name: "web",
    release: releaseNamed(release),
    spec: { replicas: 3, ...spec },
    ...more,
  });
const json = async (...words: string[]) => JSON.parse((await run(workload, ...words, ...base, "--json")).out);

it("shows what a first Deploy would do, opens it, and shows what runs where once it has passed", async () => {
  const path = await fileOf("v1");
  expect((await run(workload, "list", ...base)).out).toBe("The mesh places no workload.\n");
  const { out } = await run(workload, "apply", path, "--dry-run", "--count", "10", "--batch-size", "4", ...base);
  expect(out).toMatch(/^web\/9\s+starts\s+0x\w{40}$/m);
  expect(out).toMatch(/^replicas\s+10 of 10 would have a seat$/m);
  expect(out).toMatch(/^strategy\s+canary, 4 down at once, stages of 10 %, 50 %, 100 %, each watched for 60 s$/m);
  expect(out).toMatch(/^proposal\s+none$/m);
  expect(await network.setting.client().listProposals()).toEqual([]);

  const words = ["--count", "10", "--batch-size", "4", "--strategy", "rolling"];
  const applied = JSON.parse((await run(workload, "apply", path, ...words, ...base, ...key, "--json")).out);
  const { order, proposal, seconds, window } = applied;
  expect(order).toMatchObject({ spec: { strategy: { kind: "rolling", maxUnavailable: 4, maxSurge: 0 } } });
  expect(proposal).toMatchObject({ opened: true });
  expect(window).toBeGreaterThanOrEqual(2 * seconds);
  const { directive } = await network.setting.client().getProposal({ proposalId: proposal.proposalId });
  expect(directive).toMatchObject({ kind: "Deploy", window, delay: 0 });

  const id = await network.setting.carryOut(proposal.proposalId);
  expect((await run(workload, "list", ...base)).out).toMatch(
    /^web\s+10\s+10 of 10\s+2\s+none yet\s+to v1: open since \S+, until \S+$/m,
  );
  await enact(network.setting, id, "done");
  const shown = await run(workload, "show", "web", ...base);
  expect(shown.out).toMatch(/^release\s+v1 since \S+$/m);
  expect(shown.out).toMatch(/^rollout\s+none$/m);
  expect(shown.out).toMatch(/^web\/0\s+0x\w{40}\s+\S+$/m);
  const [listed] = await json("list");
  expect(listed).toEqual(await json("show", "web"));
  expect(listed).toMatchObject({ spec: order.spec, settled: { directive: id }, unplaced: [] });
  expect(listed.seats).toEqual(applied.seats.map((seat: object) => ({ ...seat, since: listed.seats[0].since })));

  const same = await json("diff", path, ...words);
  expect(same).toEqual({ workload: "web", fields: [], changes: [], unplaced: [], fault: null });
  const other = await fileOf("v2", { replicas: 2, spread: "zone" });
  const { changes, fields } = await json("diff", other);
  expect(fields.map(({ field }: { field: string }) => field)).toEqual(["release", "replicas", "spread", "strategy"]);
  expect(changes).toHaveLength(8);
  const text = (await run(workload, "diff", other, ...base)).out;
  expect(text).toMatch(/^replicas\s+10\s+2$/m);
  expect(text).toMatch(/^web\/9\s+stops\s+0x\w{40}$/m);
});

it("goes back within a window that the operator gives", async () => {
  const order = JSON.stringify({
    kind: "Rollback",
    workload: "web",
    from: releaseNamed("v1").sha256,
    to: releaseNamed("v0"),
  });
  const { out } = await run(proposal, "open", "--order", order, "--window", "7200", ...base, ...key, "--json");
  const { directive } = await network.setting.client().getProposal({ proposalId: JSON.parse(out).proposalId });
  expect(directive).toMatchObject({ kind: "Rollback", window: 7_200 });
});

it("proposes nothing that hosts could not carry out", async () => {
  const twice = await fileOf("v1", { exclusive: true, strategy: { kind: "rolling", maxSurge: 1 } });
  const before = (await network.setting.client().listProposals()).length;
  for (const words of [["--dry-run"], key]) {
    const { code, error } = await run(workload, "apply", twice, ...words, ...base);
    expect([code, String(error)]).toEqual([ExitCodes.usage, expect.stringContaining("must not run beside another")]);
  }
  const nowhere = await fileOf("v1", { selector: { disk: "tape" } });
  const { error, out } = await run(workload, "apply", nowhere, ...key, ...base);
  expect(String(error)).toContain("no replica of web can be placed");
  expect(out).toContain("without a seat");
  expect((await network.setting.client().listProposals()).length).toBe(before);
});

it.each<[string, object, readonly string[], string]>([
  ["a count in words", {}, ["--count", "many"], "--count many is no number of replicas"],
  ["a batch of none", {}, ["--batch-size", "0"], "--batch-size 0 is no number"],
  ["an unknown strategy", {}, ["--strategy", "yolo"], "order.spec.strategy"],
  ["a batch of what switches at once", {}, ["--strategy", "blue-green", "--batch-size", "3"], "order.spec.strategy"],
  ["a word that no specification has", { colour: "red" }, [], "order.spec"],
  ["a probe of another host", { probe: { path: "http://other/" } }, [], "order.spec.probe.path"],
])("refuses %s", async (_, spec, words, reason) => {
  const { code, error } = await run(workload, "diff", await fileOf("v1", spec), ...words, ...base);
  expect([code, String(error)]).toEqual([ExitCodes.usage, expect.stringContaining(reason)]);
});

it("refuses a file that is none of a workload, and one that the mesh does not place", async () => {
  const files = [
    [await network.file("empty.json", {}), "has no spec"],
    [await network.file("more.json", { name: "web", spec: { replicas: 1 }, owner: "me" }), "not owner"],
    [
      await network.file("signed.json", { name: "web", release: { name: "v1" }, spec: { replicas: 1 } }),
      "order.release",
    ],
  ] as const;
  for (const [path, reason] of files)
    expect(String((await run(workload, "diff", path, ...base)).error)).toContain(reason);
  expect(String((await run(workload, "show", "api", ...base)).error)).toContain("The mesh places no workload api.");
});
