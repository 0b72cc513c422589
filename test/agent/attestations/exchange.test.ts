import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Hex } from "../../../src/records/index.js";
import { admissionOf, blsKey, operatorKey } from "../../harness/deploy.js";
import { all, createCommittee, done, failed, NEVER_MS, patience, ready } from "./committee.js";

const three = [0, 1, 2];
const five = [0, 1, 2, 3, 4];

describe("nodes that attest together", () => {
  it("enact a directive in one transaction, as soon as more than half say the same", async () => {
    const world = await createCommittee({ nodes: 7 });
    await world.seat([0, 1, 2, 3, 4, 5, 6]);
    const directive = await world.issue();
    await world.look();
    await world.attest(directive, done, 5, 0, 3);
    await world.heard(directive, 3);
    world.pass(60_000);
    await world.look();
    // Three of seven are too few, and nobody waits for stragglers here.
    expect(await world.transactions(directive.id)).toEqual([]);

    await world.attest(directive, done, 6);
    await world.heard(directive, 4);
    await world.run();
    await expect.poll(() => world.statusOf(directive.id), patience).toBe("Done");
    expect(await world.counted(directive.id)).toEqual(all([0, 3, 5, 6], done));
    expect(await world.brought(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
    expect(world.logs.filter(({ message }) => message === "settled attestations")).toMatchObject([
      { why: "enacts", attestations: 4, report: "done", outcome: done.outcome },
    ]);
  });

  it("drop what was not needed: nothing is sent after the end", async () => {
    const world = await createCommittee();
    await world.seat(five);
    await world.run();
    const directive = await world.issue();
    await world.attest(directive, done, 0, 1, 2);
    await expect.poll(() => world.statusOf(directive.id), patience).toBe("Done");
    await world.heard(directive, 0);
    const before = await world.transactions(directive.id);

    await world.attest(directive, done, 3);
    await world.say(4, world.sign(directive.id, 4, done));
    world.pass(NEVER_MS);
    await world.look();
    await world.look();
    await world.heard(directive, 0);
    expect(await world.transactions(directive.id)).toEqual(before);
    // It is on disk, in case the chain takes the end back.
    expect(world.seatOf(3).exchange.own(directive.id, "end")).toMatchObject(done);
  });

  it("count what is on chain and what is not as one, and no node twice", async () => {
    const world = await createCommittee();
    await world.seat(five);
    await world.look();
    const directive = await world.issue();
    for (const index of [0, 1]) {
      await world.setting
        .client(index)
        .reportDirective({ directiveId: directive.id, ...done, outcome: done.outcome ?? "0x" });
    }
    await world.look();
    // What it has reported it may say again over gossip: it has one voice.
    await world.say(0, world.sign(directive.id, 0, done));
    await world.heard(directive, 1, 1, 2, 3, 4);
    await world.run();
    await world.attest(directive, done, 2);
    await world.counts(directive.id, all(three, done));
    expect(await world.statusOf(directive.id)).toBe("Done");
    expect(await world.brought(directive.id)).toMatchObject([
      { by: 0, method: "report" },
      { by: 1, method: "report" },
      { method: "reportByAggregate" },
    ]);
  });

  it("are heard by nodes that have not seen the directive yet", async () => {
    const world = await createCommittee();
    await world.seat(five);
    await world.meet();
    const directive = await world.issue();
    for (const index of [1, 4]) await world.seatOf(index).look();
    await world.attest(directive, done, 4, 1);
    await world.heard(directive, 2);
    // Read once for both, by those that did not know it.
    expect(five.map((index) => world.seatOf(index).exchange.counts.notNow)).toEqual([0, 0, 0, 0, 0]);
  });

  it("of different opinions settle the one of more than half, and pay for no other", async () => {
    const world = await createCommittee();
    await world.seat(five);
    await world.run();
    const directive = await world.issue();
    await world.look();
    await world.attest(directive, failed, 0, 3);
    await world.attest(directive, done, 1, 2);
    await world.heard(directive, 4);
    expect(await world.transactions(directive.id)).toEqual([]);
    await world.attest(directive, failed, 4);
    await expect.poll(() => world.statusOf(directive.id), patience).toBe("Failed");
    expect(await world.counted(directive.id)).toEqual(all([0, 3, 4], failed));
    expect(await world.brought(directive.id)).toHaveLength(1);
  });
});

describe("attestations that enact nothing", () => {
  it("wait for stragglers, and are settled together then by a node that says the same", async () => {
    const world = await createCommittee();
    await world.seat(five, { stragglersMs: NEVER_MS / 2 });
    const directive = await world.issue();
    await world.look();
    await world.attest(directive, done, 1, 3);
    await world.attest(directive, failed, 2);
    await world.heard(directive, 3);
    await world.look();
    expect(await world.transactions(directive.id)).toEqual([]);
    world.pass(NEVER_MS / 2);
    await world.run();
    await world.counts(directive.id, { ...all([1, 3], done), 2: failed });
    const brought = await world.brought(directive.id);
    expect(brought).toHaveLength(2);
    // Each side is paid for by its own.
    expect(brought.filter(({ by }) => by === 2)).toHaveLength(1);
    expect(brought.filter(({ by }) => by === 1 || by === 3)).toHaveLength(1);
  });

  it("are settled together as the deadline nears", async () => {
    const world = await createCommittee();
    await world.seat(five);
    await world.run();
    const directive = await world.issue();
    await world.look();
    await world.attest(directive, done, 1, 3);
    await world.heard(directive, 2);
    // Ten minutes are the margin, in the last five of which nodes report directly.
    await world.leave(directive, 590);
    await world.counts(directive.id, all([1, 3], done));
    expect(await world.brought(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
    expect(world.logs).toContainEqual(expect.objectContaining({ message: "settled attestations", why: "deadline" }));
  });

  it("are reported directly, each by its node, where nobody settles before the end", async () => {
    const world = await createCommittee();
    await world.seat(five, { client: { attestDirective: () => Promise.reject(new Error("no settler works")) } });
    await world.run();
    const directive = await world.issue();
    await world.look();
    await world.attest(directive, done, 1, 3);
    await world.heard(directive, 2);
    await world.leave(directive, 290);
    await world.counts(directive.id, all([1, 3], done));
    const brought = await world.brought(directive.id);
    expect(brought.map(({ by }) => by).sort()).toEqual([1, 3]);
    expect(new Set(brought.map(({ method }) => method))).toEqual(new Set(["report"]));
  });
});

describe("nodes that are ready", () => {
  it("say so together, before the directive is active", async () => {
    const world = await createCommittee();
    await world.seat(five, { stragglersMs: NEVER_MS / 2 });
    await world.run();
    const directive = await world.issue("web-3", { delay: 1_000 });
    await world.look();
    await world.attest(directive, ready, 0, 2, 4);
    await world.heard(directive, 3);
    world.pass(NEVER_MS / 2);
    await world.counts(directive.id, all([0, 2, 4], ready));
    expect(await world.brought(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
  });

  it("are not in the way of its end: whoever ends its part needs not be ready on chain", async () => {
    const world = await createCommittee();
    await world.seat(five, { stragglersMs: NEVER_MS / 2 });
    const directive = await world.issue();
    await world.look();
    await world.attest(directive, ready, ...five);
    await world.heard(directive, 5);
    world.pass(NEVER_MS / 4);
    await world.attest(directive, done, 0, 1);
    await world.heard(directive, 7);
    // Readiness has waited long enough, and those that have done it have not.
    world.pass(NEVER_MS / 4);
    for (let looks = 0; looks < 3; looks++) await world.look();
    expect(await world.transactions(directive.id)).toEqual([]);
    await world.attest(directive, done, 2);
    await expect.poll(() => world.statusOf(directive.id), patience).toBe("Done");
    expect(await world.brought(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
    expect(await world.counted(directive.id)).toEqual(all(three, done));
  });
});

describe("a node that hears nobody", () => {
  it("reports directly, and the others enact the directive with it", async () => {
    const world = await createCommittee();
    await world.seat(five);
    await world.run();
    const directive = await world.issue();
    await world.look();
    world.hub.cutOff("node 4");
    await world.attest(directive, done, 0, 1, 4);
    await world.heard(directive, 2, 0, 1, 2, 3);
    expect(await world.transactions(directive.id)).toEqual([]);
    world.pass(5_000);
    await world.counts(directive.id, all([0, 1, 4], done));
    expect(await world.brought(directive.id)).toMatchObject([
      { by: 4, method: "report" },
      { method: "reportByAggregate" },
    ]);
  });

  it("is heard once it is back: what does not count is sent again every ten seconds", async () => {
    const world = await createCommittee();
    // It has a neighbour that hears no more than itself.
    await world.seat(five);
    await world.run();
    const directive = await world.issue();
    await world.look();
    world.hub.split(["node 3", "node 4"], ["node 0", "node 1", "node 2"]);
    await world.attest(directive, done, 4, 0, 1);
    await world.heard(directive, 1, 3, 4);
    await world.heard(directive, 2, 0, 1, 2);
    world.hub.heal();
    world.pass(9_000);
    await world.look();
    expect(await world.transactions(directive.id)).toEqual([]);
    world.pass(1_000);
    await world.counts(directive.id, all([0, 1, 4], done));
    expect(await world.brought(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
  });
});

describe("a node that starts again", () => {
  it("says the same as before, without being asked, and nothing else", async () => {
    const world = await createCommittee();
    await world.seat(five);
    const directive = await world.issue();
    await world.look();
    await world.attest(directive, ready, 2);
    await world.attest(directive, done, 2);
    const bytes = await readFile(world.journalOf(2), "utf8");
    expect(
      bytes
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { directiveId: directive.id, ...ready },
      { directiveId: directive.id, ...done },
    ]);
    await world.stop(...five);

    // Nobody remembers it but itself.
    await world.seat(five);
    await world.look();
    await world.heard(directive, 2);
    expect(world.seatOf(0).exchange.heard(directive)).toMatchObject([ready, done]);
    await expect(world.seatOf(2).exchange.attest(directive, failed)).rejects.toMatchObject({
      code: "attested-otherwise",
    });
    await world.attest(directive, done, 2);
    expect(await readFile(world.journalOf(2), "utf8")).toBe(bytes);
    await world.run();
    await world.attest(directive, done, 0, 1);
    await world.counts(directive.id, all(three, done));
  });

  it("has signed nothing that it could not write down", async () => {
    const world = await createCommittee();
    await world.seat(three);
    const directive = await world.issue();
    await world.look();
    const { exchange } = world.seatOf(1);
    await world.stop(1);
    // Its journal is closed, its mesh is not.
    await expect(exchange.attest(directive, done)).rejects.toThrow();
    expect(exchange.heard(directive)).toEqual([]);
    await world.attest(directive, done, 0);
    await world.heard(directive, 1, 0, 2);
  });

  it("sends nothing that counts already", async () => {
    const world = await createCommittee();
    await world.seat([2], { stragglersMs: 0 });
    await world.run();
    const directive = await world.issue();
    await world.look();
    await world.attest(directive, done, 2);
    await world.counts(directive.id, { 2: done });
    await world.stop(2);
    await world.seat([0, 2]);
    await world.look();
    await world.look();
    expect(world.seatOf(2).exchange.heard(directive)).toEqual([]);
    expect(world.logs.filter(({ message }) => message === "sent an attestation")).toHaveLength(1);
    expect(await world.transactions(directive.id)).toHaveLength(1);
  });

  it("stands by what its key has signed where its journal is lost", async () => {
    const world = await createCommittee();
    await world.seat(five);
    const directive = await world.issue();
    await world.look();
    await world.say(0, world.sign(directive.id, 2, failed));
    await world.heard(directive, 1, 1, 2, 3, 4);
    await world.attest(directive, done, 2);
    expect(world.seatOf(2).exchange.own(directive.id, "end")).toMatchObject(failed);
    expect(world.logs).toContainEqual(expect.objectContaining({ node: 2, level: "error" }));
  });
});

describe("a key that was rotated after the issue", () => {
  it("is missing where the node has only the new one, so it reports directly", async () => {
    const world = await createCommittee();
    const { setting } = world;
    const directive = await world.issue();
    const next = blsKey("rotated");
    const rotation = admissionOf(setting.witan.operators[1] ?? operatorKey(1), next) as { key: Hex; possession: Hex };
    const opened = await setting.client().openProposal({ order: { kind: "RotateKey", index: 1 }, rotation });
    await setting.carryOut(opened.proposalId);
    await world.seat([0, 2, 3, 4]);
    await world.seat([1], { blsSecret: next });
    await world.run();
    await world.attest(directive, done, 1, 0, 4);
    await world.counts(directive.id, all([0, 1, 4], done));
    expect(await world.brought(directive.id)).toContainEqual({ by: 1, method: "report" });
    // Nobody was sent what is not good.
    for (const index of five) expect(world.seatOf(index).exchange.counts.badSignatures).toBe(0);
  });
});
