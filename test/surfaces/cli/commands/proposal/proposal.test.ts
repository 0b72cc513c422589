import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ChainRetentionReader } from "../../../../../src/agent/replication/retentionReader.js";
import { contentIdToCid, type Order } from "../../../../../src/records/index.js";
import { directive } from "../../../../../src/surfaces/cli/commands/directive.js";
import { model } from "../../../../../src/surfaces/cli/commands/model.js";
import { proposal } from "../../../../../src/surfaces/cli/commands/proposal/proposal.js";
import { record } from "../../../../../src/surfaces/cli/commands/record/record.js";
import { ExitCodes } from "../../../../../src/surfaces/cli/exitCodes.js";
import { proposeRaw } from "../../../../faults/hostileMember.js";
import { restartOrder } from "../../../../harness/dao.js";
import { shortTracks } from "../../../../harness/deploy.js";
import { type Network, run, startNetwork } from "../../../network.js";

let network: Network;
let base: readonly string[];
let signed: readonly string[];

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
  signed = [...base, "--key", network.member, "--password-file", network.passwordFile];
});
afterAll(() => network.close());

const json = (out: string) => JSON.parse(out);
const MODEL_ID = `0x${"ab".repeat(32)}` as const;

describe("lists", () => {
  it("say so if there is nothing", async () => {
    expect((await run(record, "list", ...base)).out).toBe("There are no records.\n");
    expect((await run(proposal, "list", ...base)).out).toBe("There are no proposals.\n");
    expect((await run(directive, "list", ...base)).out).toBe("There are no directives.\n");
    expect((await run(model, "list", ...base)).out).toBe("No model is accepted.\n");
    for (const command of [record, proposal, directive, model])
      expect(json((await run(command, "list", ...base, "--json")).out)).toEqual([]);
  });
});

describe("a proposal", () => {
  it("is opened once, shown, voted on, carried out and listed", async () => {
    const order = JSON.stringify(restartOrder);
    const opened = json((await run(proposal, "open", ...signed, "--order", order, "--json")).out);
    expect(opened).toMatchObject({ opened: true, openedBy: network.setting.client(0).account });
    const again = await run(proposal, "open", ...signed, "--order", `@${await network.file("order.json", order)}`);
    expect(again.out).toContain(`before, by ${opened.openedBy}`);
    const id: string = opened.proposalId;

    const before = (await run(proposal, "show", id, ...base)).out;
    expect(before).toContain("Nobody has voted.");
    expect(before).toContain("needs      3 for, which end the vote");
    expect(before).toContain(order);
    await network.setting.witan.increaseTime(2);
    const vote = ["vote", id, ...signed, "--support", "for", "--reason", "seen by hand"];
    const voted = json((await run(proposal, ...vote, "--json")).out);
    expect(voted).toMatchObject({ proposalId: id, support: "for", gasUsed: expect.stringMatching(/^\d+$/) });
    const shown = json((await run(proposal, "show", id, ...base, "--json")).out);
    expect(shown).toMatchObject({
      id,
      state: "Active",
      payload: { order: restartOrder },
      ballots: [{ reason: "seen by hand" }],
    });
    expect((await run(proposal, "show", id, ...base)).out).toContain("seen by hand");

    const twice = await run(proposal, ...vote);
    expect([twice.code, twice.error]).toEqual([
      ExitCodes.refused,
      expect.objectContaining({ errorName: "GovernorAlreadyCastVote" }),
    ]);

    const { setting } = network;
    for (const voter of [1, 2]) await setting.client(voter).castVote({ proposalId: id, support: "for" });
    await setting.client(1).queueProposal({ proposalId: id });
    const { directiveId } = await setting.client(1).executeProposal({ proposalId: id });
    expect(json((await run(directive, "list", ...base, "--json")).out)).toMatchObject([
      { id: directiveId, kind: "Restart", status: "Issued", reports: [] },
    ]);
    expect((await run(directive, "list", ...base)).out).toContain("Restart");
    expect((await run(proposal, "list", ...base)).out).toContain("Executed");
    expect(json((await run(proposal, "list", ...base, "--json")).out)).toMatchObject([{ id, votes: { for: 3 } }]);
  });

  it("is listed and shown without its payload, which no node has, and with any text in its description", async () => {
    const client = network.setting.client(0);
    const order = { kind: "SetFlag", name: "unknown", value: true } as const;
    const { calls, directive } = client.buildProposal({ order });
    const id = await proposeRaw(client, new TextEncoder().encode("Scale web\u001b[2J\rstate Executed\nmore"), {
      calls,
    });
    const shown = await run(proposal, "show", id, ...base);
    expect([shown.error, shown.code]).toEqual([undefined, ExitCodes.ok]);
    expect(shown.out).toContain("what       Scale web\\u{1b}[2J\n");
    expect(shown.out).toMatch(/^state +(Pending|Active)$/m);
    expect(shown.out).toMatch(/^order +cannot be read: /m);
    const exact = json((await run(proposal, "show", id, ...base, "--json")).out);
    expect(exact).toMatchObject({ id, directive: { payload: directive.payload }, ballots: [] });
    expect(exact.description).toBe("Scale web\u001b[2J\rstate Executed\nmore");
    expect([exact.payload, exact.payloadError]).toEqual([undefined, expect.stringContaining("cannot be read")]);

    const broken = await proposeRaw(client, Uint8Array.of(0x57, 0xc3), { calls });
    const listed = await run(proposal, "list", ...base);
    expect(listed.out).toContain("Scale web\\u{1b}[2J\n");
    expect(listed.out).toMatch(/W\ufffd\n/);
    expect((await run(proposal, "show", broken, ...base)).out).toMatch(/^what +W\ufffd$/m);
  });

  it("shows the shares of a track that it sets as people read them, and as numbers in JSON", async () => {
    const rules = { ...shortTracks.membership, approval: 40_000, quorum: 30_600 };
    const order: Order = { kind: "SetTrack", track: "membership", rules };
    const { proposalId } = await network.setting.client(0).openProposal({ order });
    const shown = (await run(proposal, "show", proposalId, ...base)).out;
    expect(shown).toMatch(/its rules +delay .*, quorum 51 %, approval 2\/3, never ends early/);
    expect(shown).toMatch(/needs +3 for, more for than against, and 3\/4 of both for\n/);
    const inJson = json((await run(proposal, "show", proposalId, ...base, "--json")).out);
    expect(inJson).toMatchObject({ rules: { approval: 45_000, neededFor: 3, fastPathFor: 0 }, payload: { order } });
  });

  it("accepts a model that is then listed", async () => {
    const parent = null;
    const order = { kind: "AcceptModel", name: "mnist", model: MODEL_ID, parent, round: 3, accuracy: 0.91 } as const;
    const { proposalId } = await network.setting.client(0).openProposal({ order });
    await network.setting.carryOut(proposalId);
    expect(json((await run(model, "list", ...base, "--json")).out)).toMatchObject([{ name: "mnist", round: 3 }]);
    expect((await run(model, "list", ...base, "--name", "mnist")).out).toContain(contentIdToCid(MODEL_ID));
  });

  it.each([
    ["an order that is not JSON", ["open", "--order", "{"], ExitCodes.usage, "The order is not JSON."],
    ["an order of no kind", ["open", "--order", '{"kind":"Dance"}'], ExitCodes.usage, undefined],
    [
      "an order with a further field",
      ["open", "--order", JSON.stringify({ ...restartOrder, more: 1 })],
      ExitCodes.usage,
      undefined,
    ],
    ["an order file that is missing", ["open", "--order", "@/nowhere.json"], ExitCodes.usage, "cannot be read"],
    ["no order", ["open"], ExitCodes.usage, undefined],
    [
      "a window in words",
      ["open", "--order", JSON.stringify(restartOrder), "--window", "long"],
      ExitCodes.usage,
      "--window long is no number of seconds.",
    ],
    [
      "evidence that is no CID",
      ["open", "--order", JSON.stringify(restartOrder), "--evidence", "x"],
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
    const order = { ...restartOrder, replica: "web/9" };
    const result = await run(proposal, "open", ...stranger, "--order", JSON.stringify(order));
    expect(result.code).not.toBe(ExitCodes.ok);
    expect(String(result.error)).toMatch(/No node has stored the payload[\s\S]*is not a member/);
  });

  it("is not opened where no node can be reached to keep its payload", async () => {
    const file = await network.file("dead-gateway.json", { ...network.described, gateways: ["http://127.0.0.1:9"] });
    const args = ["--network", file, "--key", network.member, "--password-file", network.passwordFile];
    const order = { ...restartOrder, replica: "web/8" };
    const result = await run(proposal, "open", ...args, "--order", JSON.stringify(order));
    expect([result.code, String(result.error)]).toEqual([
      ExitCodes.unavailable,
      expect.stringContaining("http://127.0.0.1:9 cannot be reached"),
    ]);
  });
});

describe("the vote on retention that docs/replication.md shows", () => {
  it("opens, lists, votes and shows as it is written, and then holds", async () => {
    const text = await readFile(new URL("../../../../../docs/replication.md", import.meta.url), "utf8");
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
      if (args[0] === "show") expect(out).toContain('{"kind":"SetParameter","name":"retain.State","value":"5184000"}');
    }
    const { setting } = network;
    for (const voter of [1, 2, 3]) await setting.client(voter).castVote({ proposalId, support: "for" });
    const wait = async (until: number) => setting.witan.increaseTime(until - (await setting.client().chain.now()) + 1);
    await wait((await setting.client().getProposal({ proposalId })).deadline);
    await wait((await setting.client().queueProposal({ proposalId })).eta);
    await setting.client().executeProposal({ proposalId });
    const terms = new ChainRetentionReader({ client: setting.client(), finality: 1, replicas: { min: 2, max: 3 } });
    expect((await terms.read()).rules.retain.State).toBe(60 * 86_400);
  });
});
