import { afterAll, beforeAll, expect, it } from "vitest";
import { host } from "../../../../../src/surfaces/cli/commands/node/host.js";
import { ExitCodes } from "../../../../../src/surfaces/cli/exitCodes.js";
import { type Network, run, startNetwork } from "../../../network.js";

let network: Network;
let base: readonly string[];
let key: readonly string[];

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
  key = ["--key", network.member, "--password-file", network.passwordFile];
});
afterAll(() => network.close());

const listed = async () => JSON.parse((await run(host, "list", ...base, "--json")).out);

it("describes a host, drains it, takes it back and withdraws it", async () => {
  expect((await run(host, "list", ...base)).out).toContain("No node has described a host.");
  const early = await run(host, "drain", ...base, ...key);
  expect([early.code, String(early.error)]).toEqual([
    ExitCodes.usage,
    expect.stringContaining("Your node has not described a host."),
  ]);
  const words = ["--slots", "8", "--label", "zone=a,disk=ssd", "--address", "10.0.0.7:7000"];
  expect((await run(host, "describe", ...words, ...base, ...key)).out).toMatch(/^host\s+8 slots$/m);
  const described = { labels: { zone: "a", disk: "ssd" }, addresses: ["10.0.0.7:7000"], slots: 8 };
  expect(await listed()).toMatchObject([{ ...described, draining: false }]);
  expect((await run(host, "drain", ...base, ...key)).out).toMatch(/^replicas\s+move to other hosts$/m);
  expect(await listed()).toMatchObject([{ ...described, draining: true }]);
  expect((await run(host, "list", ...base)).out).toMatch(
    /^0x\w{40}\s+disk=ssd zone=a\s+10\.0\.0\.7:7000\s+8\s+nothing: it is drained$/m,
  );
  await run(host, "return", ...base, ...key);
  expect(await listed()).toMatchObject([{ ...described, draining: false }]);
  const again = await run(host, "return", ...base, ...key);
  expect(String(again.error)).toContain("HostRegistryUnchanged");
  const { out } = await run(host, "withdraw", "--json", ...base, ...key);
  expect(JSON.parse(out)).toMatchObject({ host: null });
  expect(await listed()).toEqual([]);
});

it.each([
  [["--slots", "many"], "is no number of replicas"],
  [["--slots", "2", "--label", "zone"], "is no label, such as zone=a"],
  [["--slots", "2", "--label", "zone=a,zone=b"], "names a label twice"],
  [["--slots", "2", "--address", "10.0.0.7"], "must be HOST:PORT"],
])("refuses %j", async (words, reason) => {
  const { code, error } = await run(host, "describe", ...words, ...base, ...key);
  expect([code, String(error)]).toEqual([ExitCodes.usage, expect.stringContaining(reason)]);
});
