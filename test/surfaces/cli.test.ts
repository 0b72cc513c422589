import { spawn } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseAgentConfig } from "../../src/agent/config.js";
import { ChainRetentionReader } from "../../src/agent/replication/retentionReader.js";
import { BaseError } from "../../src/errors.js";
import { readBlsKey } from "../../src/ports/keys/blsKeyFile.js";
import { readOperatorKey } from "../../src/ports/keys/operator.js";
import { contentIdToCid } from "../../src/records/index.js";
import { directive } from "../../src/surfaces/cli/commands/directive.js";
import { init } from "../../src/surfaces/cli/commands/init.js";
import { model } from "../../src/surfaces/cli/commands/model.js";
import { node } from "../../src/surfaces/cli/commands/node.js";
import { proposal } from "../../src/surfaces/cli/commands/proposal.js";
import { record } from "../../src/surfaces/cli/commands/record.js";
import { ExitCodes, exitCodeOf } from "../../src/surfaces/cli/exitCodes.js";
import { incidentOf, restart, stateOf } from "../client/setting.js";
import { bundle } from "../fixtures/bundle.js";
import { type Network, PASSWORD, run, startNetwork } from "./network.js";

let network: Network;
let base: readonly string[];
let signed: readonly string[];

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
  signed = [...base, "--key", network.member, "--password-file", network.passwordFile];
});
afterAll(() => network.close());

/** The document that a command printed. */
const json = (out: string) => JSON.parse(out);
const lines = (out: string) => out.trimEnd().split("\n");
const NOBODYS_ID = `0x${"ab".repeat(32)}` as const;

describe("lists", () => {
  it("say so where there is nothing", async () => {
    expect((await run(record, "list", ...base)).out).toBe("There are no records.\n");
    expect((await run(proposal, "list", ...base)).out).toBe("There are no proposals.\n");
    expect((await run(directive, "list", ...base)).out).toBe("There are no directives.\n");
    expect((await run(model, "list", ...base)).out).toBe("No model is accepted.\n");
    for (const command of [record, proposal, directive, model])
      expect(json((await run(command, "list", ...base, "--json")).out)).toEqual([]);
  });

  it("name the nodes of the committee, as a table and as JSON", async () => {
    const table = lines((await run(node, "list", ...base)).out);
    expect(table).toHaveLength(6);
    expect(table[0]).toMatch(/^index\s+operator\s+peer\s+admitted$/);
    const [first] = json((await run(node, "list", ...base, "--json")).out);
    expect(first).toMatchObject({ index: 0, operator: network.setting.witan.operators[0]?.address });
    expect((await run(node, "list", ...base, "--all")).out).toContain("removed");
  });
});

describe("records", () => {
  it("are listed, shown and verified", async () => {
    const client = network.setting.client(1);
    const author = client.account ?? "0x";
    const value = stateOf(author);
    const { records } = await client.anchorRecords({ records: [{ kind: "State", value }] });
    const { cid = "", contentId = "0x" } = records[0] ?? {};

    const table = lines((await run(record, "list", ...base, "--kind", "state", "--author", author)).out);
    expect(table[1]).toContain(cid);
    expect(json((await run(record, "list", ...base, "--json", "--limit", "1")).out)).toMatchObject([
      { kind: "State", cid },
    ]);
    expect(json((await run(record, "show", cid, ...base)).out)).toMatchObject({ value, author });

    const facts = (await run(record, "verify", cid, ...base)).out;
    expect(facts).toContain("hash, schema, anchor, author and proof hold");
    const verified = json((await run(record, "verify", contentId, ...base, "--json")).out);
    expect(verified).toMatchObject({ verified: true, kind: "State", cid, author });
  });

  it.each([
    ["no CID", ["show", "hello"], ExitCodes.usage],
    ["a kind that is none", ["list", "--kind", "Rumour"], ExitCodes.usage],
    ["a limit of nothing", ["list", "--limit", "0"], ExitCodes.usage],
    ["a limit that is no number", ["list", "--limit", "many"], ExitCodes.usage],
    ["a record that nobody anchored", ["verify", NOBODYS_ID], ExitCodes.refused],
    ["no record at all", ["verify"], ExitCodes.usage],
  ])("are refused for %s", async (_what, args, code) => {
    const result = await run(record, ...args, ...base);
    expect([result.out, result.code]).toEqual(["", code]);
  });

  it("are refused by another author, and out of reach where the block is gone", async () => {
    const client = network.setting.client(2);
    const incident = incidentOf("replica/web-gone");
    const { records } = await client.anchorRecords({ records: [{ kind: "Incident", value: incident }] });
    const cid = records[0]?.cid ?? "";
    const stranger = network.setting.client(3).account ?? "";
    expect((await run(record, "verify", cid, ...base, "--author", stranger)).code).toBe(ExitCodes.refused);

    const elsewhere = { ...network.described, gateways: [] };
    const file = await network.file("no-gateway.json", elsewhere);
    expect((await run(record, "verify", cid, "--network", file)).code).toBe(ExitCodes.unavailable);
    expect((await run(node, "list", "--network", file)).code).toBe(ExitCodes.ok);
  });
});

describe("a proposal", () => {
  it("is opened once, shown, voted on, carried out and listed", async () => {
    const order = JSON.stringify(restart);
    const opened = json((await run(proposal, "open", ...signed, "--order", order, "--json")).out);
    expect(opened).toMatchObject({ opened: true, openedBy: network.setting.client(0).account });
    const again = await run(proposal, "open", ...signed, "--order", `@${await network.file("order.json", order)}`);
    expect(again.out).toContain(`before, by ${opened.openedBy}`);
    const id: string = opened.proposalId;

    const before = (await run(proposal, "show", id, ...base)).out;
    expect(before).toContain("Nobody has voted.");
    expect(before).toContain(order);
    await network.setting.witan.increaseTime(2);
    const vote = ["vote", id, ...signed, "--support", "for", "--reason", "seen by hand"];
    const voted = json((await run(proposal, ...vote, "--json")).out);
    expect(voted).toMatchObject({ proposalId: id, support: "for", gasUsed: expect.stringMatching(/^\d+$/) });
    const shown = json((await run(proposal, "show", id, ...base, "--json")).out);
    expect(shown).toMatchObject({
      id,
      state: "Active",
      payload: { order: restart },
      ballots: [{ reason: "seen by hand" }],
    });
    expect((await run(proposal, "show", id, ...base)).out).toContain("seen by hand");

    const twice = await run(proposal, ...vote);
    expect([twice.code, twice.error]).toEqual([
      ExitCodes.refused,
      expect.objectContaining({ errorName: "GovernorAlreadyCastVote" }),
    ]);

    const { setting } = network;
    for (const voter of [1, 2, 3]) await setting.client(voter).castVote({ proposalId: id, support: "for" });
    await setting.client(1).queueProposal({ proposalId: id });
    const { directiveId } = await setting.client(1).executeProposal({ proposalId: id });
    expect(json((await run(directive, "list", ...base, "--json")).out)).toMatchObject([
      { id: directiveId, kind: "Restart", status: "Issued", reports: [] },
    ]);
    expect((await run(directive, "list", ...base)).out).toContain("Restart");
    expect((await run(proposal, "list", ...base)).out).toContain("Executed");
    expect(json((await run(proposal, "list", ...base, "--json")).out)).toMatchObject([{ id, votes: { for: 4 } }]);
  });

  it("accepts a model that is then listed", async () => {
    const parent = null;
    const order = { kind: "AcceptModel", name: "mnist", model: NOBODYS_ID, parent, round: 3, accuracy: 0.91 } as const;
    const { proposalId } = await network.setting.client(0).openProposal({ order });
    await network.setting.carryOut(proposalId);
    expect(json((await run(model, "list", ...base, "--json")).out)).toMatchObject([{ name: "mnist", round: 3 }]);
    expect((await run(model, "list", ...base, "--name", "mnist")).out).toContain(contentIdToCid(NOBODYS_ID));
  });

  it.each([
    ["an order that is not JSON", ["open", "--order", "{"], ExitCodes.usage, "The order is not JSON."],
    ["an order of no kind", ["open", "--order", '{"kind":"Dance"}'], ExitCodes.usage, undefined],
    [
      "an order with a further field",
      ["open", "--order", JSON.stringify({ ...restart, more: 1 })],
      ExitCodes.usage,
      undefined,
    ],
    ["an order file that is missing", ["open", "--order", "@/nowhere.json"], ExitCodes.usage, "cannot be read"],
    ["no order", ["open"], ExitCodes.usage, undefined],
    [
      "evidence that is no CID",
      ["open", "--order", JSON.stringify(restart), "--evidence", "x"],
      ExitCodes.usage,
      undefined,
    ],
    ["an id that is no number", ["vote", "0x12", "--support", "for"], ExitCodes.usage, "decimal number"],
    ["a support that is none", ["vote", "12", "--support", "maybe"], ExitCodes.usage, "against, for, abstain"],
    ["a proposal that there is not", ["vote", "12", "--support", "for"], ExitCodes.refused, undefined],
  ])("is refused for %s", async (_what, args, code, message) => {
    const count = (await network.setting.client().listProposals()).length;
    const result = await run(proposal, ...args, ...signed);
    expect([result.out, result.code]).toEqual(["", code]);
    if (message !== undefined) expect(String(result.error)).toContain(message);
    expect(await network.setting.client().listProposals()).toHaveLength(count);
  });

  it("is refused to show where there is none of the id", async () => {
    expect((await run(proposal, "show", "12", ...base)).code).toBe(ExitCodes.refused);
    expect((await run(proposal, "show", "twelve", ...base)).code).toBe(ExitCodes.usage);
  });

  it("is refused from a stranger, whose payload no node keeps", async () => {
    const stranger = [...base, "--key", network.stranger, "--password-file", network.passwordFile];
    const order = { ...restart, workload: "web-of-a-stranger" };
    const result = await run(proposal, "open", ...stranger, "--order", JSON.stringify(order));
    expect(result.code).not.toBe(ExitCodes.ok);
    expect(String(result.error)).toMatch(/No node took the payload[\s\S]*is not a member/);
  });

  it("is not opened where no node can be reached to keep its payload", async () => {
    const file = await network.file("dead-gateway.json", { ...network.described, gateways: ["http://127.0.0.1:9"] });
    const args = ["--network", file, "--key", network.member, "--password-file", network.passwordFile];
    const order = { ...restart, workload: "web-unreachable" };
    const result = await run(proposal, "open", ...args, "--order", JSON.stringify(order));
    expect([result.code, String(result.error)]).toEqual([
      ExitCodes.unavailable,
      expect.stringContaining("http://127.0.0.1:9 cannot be reached"),
    ]);
  });
});

describe("the vote on keeping that docs/keeping.md shows", () => {
  it("opens, lists, votes and shows as it is written, and then holds", async () => {
    const text = await readFile(new URL("../../docs/keeping.md", import.meta.url), "utf8");
    const shown = [...(/```sh\n([\s\S]*?)```/.exec(text)?.[1]?.matchAll(/^npx witan proposal (.+)$/gm) ?? [])];
    expect(shown).toHaveLength(4);
    const files = new Map([
      [".witan/nodes/node-1/keys/operator.json", network.member],
      [".witan/password", network.passwordFile],
    ]);
    let proposalId = "";
    for (const [, words = ""] of shown) {
      // As a shell takes them apart.
      const args = [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare = ""]) => quoted ?? bare);
      const own = args.map((arg) => (arg === "ID" ? proposalId : (files.get(arg) ?? arg)));
      if (args[0] === "vote") await network.setting.witan.increaseTime(60);
      const { code, out, error } = await run(proposal, ...own, ...base);
      expect([code, error]).toEqual([ExitCodes.ok, undefined]);
      proposalId ||= /^proposal +(\d+)$/m.exec(out)?.[1] ?? "";
      if (args[0] === "show") expect(out).toContain('{"kind":"SetParameter","name":"retain.State","value":"2592000"}');
    }
    const { setting } = network;
    for (const voter of [1, 2, 3]) await setting.client(voter).castVote({ proposalId, support: "for" });
    const wait = async (until: number) => setting.witan.increaseTime(until - (await setting.client().chain.now()) + 1);
    await wait((await setting.client().getProposal({ proposalId })).deadline);
    await wait((await setting.client().queueProposal({ proposalId })).eta);
    await setting.client().executeProposal({ proposalId });
    const terms = new ChainRetentionReader({ client: setting.client(), finality: 1, replicas: { min: 2, max: 3 } });
    expect((await terms.read()).rules.retain.State).toBe(30 * 86_400);
  });
});

describe("keys", () => {
  const vote = ["vote", "12", "--support", "for"];

  it("must be named, be there and open", async () => {
    const wrong = await network.file("wrong-password", "battery staple");
    const cases: [readonly string[], string][] = [
      [[], "needs a key"],
      [["--key", network.member], "There is no password"],
      [["--key", network.member, "--password-file", "/nowhere"], "cannot be read"],
      [["--key", "/nowhere.json", "--password-file", network.passwordFile], "/nowhere.json"],
      [["--key", network.networkFile, "--password-file", network.passwordFile], "not an Ethereum keystore"],
      [["--key", network.member, "--password-file", wrong], "The password does not open"],
    ];
    for (const [args, message] of cases) {
      const result = await run(proposal, ...vote, ...base, ...args);
      expect([result.code, String(result.error)]).toEqual([ExitCodes.usage, expect.stringContaining(message)]);
      expect(String(result.error)).not.toContain("battery staple");
    }
  });

  it("open with WITAN_PASSWORD before any file", async () => {
    const wrong = await network.file("another-wrong-password", "battery staple");
    const args = [...vote, ...base, "--key", network.member, "--password-file", wrong];
    vi.stubEnv("WITAN_PASSWORD", PASSWORD);
    try {
      expect((await run(proposal, ...args)).code).toBe(ExitCodes.refused);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe("the network file", () => {
  it.each([
    ["is missing", undefined],
    ["is not JSON", "{"],
    ["lacks the deployment", { rpc: "http://127.0.0.1:8545" }],
    ["has an unknown field", { rpc: "http://127.0.0.1:8545", deployment: {}, color: "red" }],
  ])("is refused where it %s", async (_what, content) => {
    const path = content === undefined ? "/nowhere/network.json" : await network.file("bad-network.json", content);
    const result = await run(node, "list", "--network", path);
    expect([result.out, result.code]).toEqual(["", ExitCodes.usage]);
    expect(result.error).toBeInstanceOf(BaseError);
  });

  it("may lead to an RPC that is down", async () => {
    const result = await run(node, "list", ...base, "--rpc", "http://127.0.0.1:9");
    expect([result.code, result.error]).toEqual([
      ExitCodes.unavailable,
      expect.objectContaining({ code: "rpc-unreachable" }),
    ]);
  });

  it("may lead to another chain", async () => {
    const { deployment } = network.described;
    const file = await network.file("other-chain.json", {
      ...network.described,
      deployment: { ...deployment, chainId: 1 },
    });
    const { code, error } = await run(node, "list", "--network", file);
    expect([code, error]).toEqual([ExitCodes.refused, expect.objectContaining({ code: "wrong-chain" })]);
  });
});

describe("init", () => {
  it("makes keys that open and a configuration that an agent reads, and never over what is there", async () => {
    const dir = join(network.dir, "new-node");
    const args = [...base, "--dir", dir, "--name", "node-6", "--password-file", network.passwordFile];
    const { config: path, peerId, admission } = json((await run(init, ...args, "--json")).out);
    const config = parseAgentConfig(JSON.parse(await readFile(path, "utf8")), dir);
    expect(config).toMatchObject({ name: "node-6", http: { port: 0 }, keys: { passwordFile: network.passwordFile } });
    expect((await readOperatorKey(config.keys.operator, PASSWORD)).address).toBe(admission.operator);
    await readBlsKey(join(dir, "keys", "bls.json"), PASSWORD);
    expect((await stat(path)).mode & 0o077).toBe(0);
    expect(peerId).toMatch(/^12D3Koo/);

    const again = await run(init, ...args);
    expect([again.code, String(again.error)]).toEqual([ExitCodes.usage, expect.stringContaining("operator.json")]);
  });

  it("prints what to do next", async () => {
    const dir = join(network.dir, "another-node");
    const { out } = await run(init, ...base, "--dir", dir, "--password-file", network.passwordFile);
    expect(out).toContain(`witan agent --config ${join(dir, "config.json")}`);
  });

  it("writes nothing where the port is none", async () => {
    const dir = join(network.dir, "bad-port");
    const args = [...base, "--dir", dir, "--password-file", network.passwordFile, "--port", "eighty"];
    expect((await run(init, ...args)).code).toBe(ExitCodes.usage);
    await expect(stat(dir)).rejects.toThrow("ENOENT");
  });
});

describe("exit codes", () => {
  it("tell apart what nobody foresaw", () => {
    expect(exitCodeOf(new TypeError("x is undefined"))).toBe(ExitCodes.unexpected);
    expect(exitCodeOf("text")).toBe(ExitCodes.unexpected);
  });
});

describe("the program", () => {
  async function witan(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
    const program = await bundle(new URL("../../src/surfaces/cli/main.ts", import.meta.url));
    const child = spawn(process.execPath, [program, ...args], { stdio: "pipe" });
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { code, out, err };
  }

  it("says how it is used, and says in one line what went wrong", async () => {
    const [help, unknown, missing, listed] = await Promise.all([
      witan("--help"),
      witan("dance"),
      witan("node", "list", "--network", "/nowhere.json"),
      witan("node", "list", "--network", network.networkFile, "--json"),
    ]);
    expect(help).toMatchObject({ code: 0, out: expect.stringContaining("proposal") });
    expect(unknown).toMatchObject({ code: ExitCodes.usage, out: "", err: expect.stringMatching(/^witan: .*dance/) });
    expect(missing).toMatchObject({
      code: ExitCodes.usage,
      err: expect.stringContaining("witan: There is no network file at /nowhere.json."),
    });
    expect(missing.err).not.toContain(" at ModuleJob");
    expect(JSON.parse(listed.out)).toHaveLength(5);
  });
});
