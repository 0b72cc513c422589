import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type AgentConfigInput, parseAgentConfig, readAgentConfig } from "../../src/agent/config.js";
import { ConfigError } from "../../src/errors.js";

const address = `0x${"11".repeat(20)}`;
const config: AgentConfigInput = {
  name: "node-1",
  dataDir: "data",
  chain: {
    rpcUrls: ["http://127.0.0.1:8545"],
    chainId: 31_337,
    contracts: {
      NodeRegistry: address,
      KnowledgeRegistry: address,
      ModelRegistry: address,
      ParameterRegistry: address,
      NodePresence: address,
      HostRegistry: address,
      PublisherRegistry: address,
      DirectiveRegistry: address,
      NodeGovernor: address,
      NodeTimelock: address,
    },
    deployedAtBlock: 0,
  },
  keys: { agent: "keys/agent.json", passwordFile: "/run/secret" },
  content: {},
  http: { port: 0 },
};

describe("an agent's configuration", () => {
  it("has a proxy only in front of replicas, on loopback unless it says otherwise", () => {
    const fleet = { dir: "fleet", workload: "web", basePort: 9_000 };
    const parsed = parseAgentConfig({ ...config, fleet, traffic: { port: 8_080, hosts: { "*": "web" } } }, "/");
    const expected = {
      port: 8_080,
      host: "127.0.0.1",
      balance: "round-robin",
      trustForwarded: false,
      hosts: { "*": "web" },
    };
    expect(parsed.traffic).toEqual(expected);
    expect(() => parseAgentConfig({ ...config, traffic: { port: 8_080 } }, "/")).toThrow("no field fleet");
    expect(() => parseAgentConfig({ ...config, fleet, traffic: { port: 1, hosts: { "a b": "web" } } }, "/")).toThrow(
      "traffic.hosts",
    );
  });

  it.each([
    ["content.scanEveryMs", "content.scrubEveryMs", { content: { scanEveryMs: 0 } }],
    ["stragglersMs", "waitForMoreMs", { stragglersMs: 0 }],
    ["fleet.name", "fleet.workload", { fleet: { dir: "fleet", name: "web", basePort: 9000 } }],
  ])("says of the earlier name %s that it is now %s", (field, renamed, change) => {
    expect(() => parseAgentConfig({ ...config, ...change }, "/")).toThrow(`field ${field} is now called ${renamed}.`);
  });

  it("gets its defaults, and its paths from the folder that it lies in", () => {
    const parsed = parseAgentConfig(
      { ...config, fleet: { dir: "fleet", workload: "web", basePort: 9000 } },
      "/etc/witan",
    );
    expect(parsed.dataDir).toBe("/etc/witan/data");
    expect(parsed.keys).toEqual({ agent: "/etc/witan/keys/agent.json", passwordFile: "/run/secret" });
    expect(parsed.fleet?.dir).toBe("/etc/witan/fleet");
    expect(parsed.content.listen).toEqual(["/ip4/127.0.0.1/tcp/0"]);
    expect(Object.isFrozen(parsed)).toBe(true);
    const hour = 3_600_000;
    const maintenance = { gcEveryMs: 6 * hour, graceMs: 168 * hour, scrubEveryMs: 24 * hour };
    expect(parsed.content).toMatchObject(maintenance);
    const off = { gcEveryMs: 0, graceMs: 0, scrubEveryMs: 0 };
    expect(parseAgentConfig({ ...config, content: off }, "/").content).toMatchObject(off);
  });

  it.each([
    ["a missing field", { ...config, chain: undefined }, "chain"],
    ["an unknown field", { ...config, pasword: "x" }, "(top level)"],
    ["a scan all the time", { ...config, content: { scrubEveryMs: 1 } }, "content.scrubEveryMs"],
    ["a port that is none", { ...config, http: { port: 70_000 } }, "http.port"],
    [
      "an address that is none",
      { ...config, chain: { ...config.chain, contracts: { ...config.chain.contracts, NodeGovernor: "0x1" } } },
      "chain.contracts.NodeGovernor",
    ],
  ])("is refused with one sentence for %s", (_what, value, field) => {
    expect(() => parseAgentConfig(value, "/")).toThrow(ConfigError);
    expect(() => parseAgentConfig(value, "/")).toThrow(field);
  });

  it("is refused when the file is missing or is not JSON", async () => {
    const folder = await mkdtemp(join(tmpdir(), "witan-config-"));
    await expect(readAgentConfig(join(folder, "none.json"))).rejects.toThrow("cannot be read");
    await writeFile(join(folder, "bad.json"), "{");
    await expect(readAgentConfig(join(folder, "bad.json"))).rejects.toThrow("is not JSON");
    await writeFile(join(folder, "good.json"), JSON.stringify(config));
    expect((await readAgentConfig(join(folder, "good.json"))).dataDir).toBe(join(folder, "data"));
  });
});
