import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { AGENT_PERIOD, rotate } from "../../harness/client/directives.js";
import { blsKey } from "../../harness/deploy.js";
import { all } from "../../harness/mesh.js";
import { NEVER_MS } from "../../harness/patience.js";
import { createAttestationMesh, done, failed, ready } from "./attestationMesh.js";

const three = [0, 1, 2];
const five = [0, 1, 2, 3, 4];

describe("nodes that attest together", () => {
  it("enact a directive in one transaction, as soon as more than half say the same", async () => {
    const mesh = await createAttestationMesh({ nodes: 7 });
    await mesh.start([0, 1, 2, 3, 4, 5, 6]);
    const directive = await mesh.issue();
    await mesh.update();
    await mesh.attest(directive, done, 5, 0, 3);
    await mesh.waitForAttestations(directive, 3);
    mesh.clock.pass(60_000);
    await mesh.update();
    // Three of seven are too few, and nobody waits for stragglers here.
    expect(await mesh.transactions(directive.id)).toEqual([]);

    await mesh.attest(directive, done, 6);
    await mesh.waitForAttestations(directive, 4);
    await mesh.run();
    await mesh.waitForStatus(directive.id, "Done");
    expect(await mesh.counted(directive.id)).toEqual(all([0, 3, 5, 6], done));
    expect(await mesh.settlements(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
    expect(mesh.logs.filter(({ message }) => message === "settled attestations")).toMatchObject([
      { why: "enacts", attestations: 4, report: "done", outcome: done.outcome },
    ]);
  });

  it("drop what was not needed: nothing is sent after the end", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five);
    await mesh.run();
    const directive = await mesh.issue();
    await mesh.attest(directive, done, 0, 1, 2);
    await mesh.waitForStatus(directive.id, "Done");
    await mesh.waitForAttestations(directive, 0);
    const before = await mesh.transactions(directive.id);

    await mesh.attest(directive, done, 3);
    await mesh.publish(4, mesh.sign(directive.id, 4, done));
    mesh.clock.pass(NEVER_MS);
    await mesh.update();
    await mesh.update();
    await mesh.waitForAttestations(directive, 0);
    expect(await mesh.transactions(directive.id)).toEqual(before);
    // It is on disk, in case the chain takes the end back.
    expect(mesh.node(3).exchange.own(directive.id, "end")).toMatchObject(done);
  });

  it("count what is on chain and what is not as one, and no node twice", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five);
    await mesh.update();
    const directive = await mesh.issue();
    for (const index of [0, 1]) {
      await mesh.dao
        .client(index)
        .reportDirective({ directiveId: directive.id, ...done, outcome: done.outcome ?? "0x" });
    }
    await mesh.update();
    // What it has reported it may say again over gossip: it has one voice.
    await mesh.publish(0, mesh.sign(directive.id, 0, done));
    await mesh.waitForAttestations(directive, 1, 1, 2, 3, 4);
    await mesh.run();
    await mesh.attest(directive, done, 2);
    await mesh.waitForReports(directive.id, all(three, done));
    expect(await mesh.statusOf(directive.id)).toBe("Done");
    expect(await mesh.settlements(directive.id)).toMatchObject([
      { by: 0, method: "report" },
      { by: 1, method: "report" },
      { method: "reportByAggregate" },
    ]);
  });

  it("are heard by nodes that have not seen the directive yet", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five);
    await mesh.updateMembers();
    const directive = await mesh.issue();
    await mesh.update(1, 4);
    await mesh.attest(directive, done, 4, 1);
    await mesh.waitForAttestations(directive, 2);
    // Read once for both, by those that did not know it.
    expect(five.map((index) => mesh.node(index).exchange.counts.notNow)).toEqual([0, 0, 0, 0, 0]);
  });

  it("of different opinions settle the one of more than half, and pay for no other", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five);
    await mesh.run();
    const directive = await mesh.issue();
    await mesh.update();
    await mesh.attest(directive, failed, 0, 3);
    await mesh.attest(directive, done, 1, 2);
    await mesh.waitForAttestations(directive, 4);
    expect(await mesh.transactions(directive.id)).toEqual([]);
    await mesh.attest(directive, failed, 4);
    await mesh.waitForStatus(directive.id, "Failed");
    expect(await mesh.counted(directive.id)).toEqual(all([0, 3, 4], failed));
    expect(await mesh.settlements(directive.id)).toHaveLength(1);
  });
});

describe("attestations that enact nothing", () => {
  it("wait for stragglers, and are settled together then by a node that says the same", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five, { waitForMoreMs: NEVER_MS / 2 });
    const directive = await mesh.issue();
    await mesh.update();
    await mesh.attest(directive, done, 1, 3);
    await mesh.attest(directive, failed, 2);
    await mesh.waitForAttestations(directive, 3);
    await mesh.update();
    expect(await mesh.transactions(directive.id)).toEqual([]);
    mesh.clock.pass(NEVER_MS / 2);
    await mesh.run();
    await mesh.waitForReports(directive.id, { ...all([1, 3], done), 2: failed });
    const settlements = await mesh.settlements(directive.id);
    expect(settlements).toHaveLength(2);
    // Each side is paid for by its own.
    expect(settlements.filter(({ by }) => by === 2)).toHaveLength(1);
    expect(settlements.filter(({ by }) => by === 1 || by === 3)).toHaveLength(1);
  });

  it("are settled together as the deadline nears", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five);
    await mesh.run();
    const directive = await mesh.issue();
    await mesh.update();
    await mesh.attest(directive, done, 1, 3);
    await mesh.waitForAttestations(directive, 2);
    // Ten minutes are the margin, in the last five of which nodes report directly.
    await mesh.increaseTimeTo(directive.deadline - 590);
    await mesh.waitForReports(directive.id, all([1, 3], done));
    expect(await mesh.settlements(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
    expect(mesh.logs).toContainEqual(expect.objectContaining({ message: "settled attestations", why: "deadline" }));
  });

  it("are reported directly, each by its node, where nobody settles before the end", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five, { client: { attestDirective: () => Promise.reject(new Error("no settler works")) } });
    await mesh.run();
    const directive = await mesh.issue();
    await mesh.update();
    await mesh.attest(directive, done, 1, 3);
    await mesh.waitForAttestations(directive, 2);
    await mesh.increaseTimeTo(directive.deadline - 290);
    await mesh.waitForReports(directive.id, all([1, 3], done));
    const settlements = await mesh.settlements(directive.id);
    expect(settlements.map(({ by }) => by).sort()).toEqual([1, 3]);
    expect(new Set(settlements.map(({ method }) => method))).toEqual(new Set(["report"]));
  });
});

describe("nodes that are ready", () => {
  it("say so together, before the directive is active", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five, { waitForMoreMs: NEVER_MS / 2 });
    await mesh.run();
    const directive = await mesh.issue("web-3", { delay: 1_000 });
    await mesh.update();
    await mesh.attest(directive, ready, 0, 2, 4);
    await mesh.waitForAttestations(directive, 3);
    mesh.clock.pass(NEVER_MS / 2);
    await mesh.waitForReports(directive.id, all([0, 2, 4], ready));
    expect(await mesh.settlements(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
  });

  it("are not in the way of its end: whoever ends its part needs not be ready on chain", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five, { waitForMoreMs: NEVER_MS / 2 });
    const directive = await mesh.issue();
    await mesh.update();
    await mesh.attest(directive, ready, ...five);
    await mesh.waitForAttestations(directive, 5);
    mesh.clock.pass(NEVER_MS / 4);
    await mesh.attest(directive, done, 0, 1);
    await mesh.waitForAttestations(directive, 7);
    // Readiness has waited long enough, and those that have done it have not.
    mesh.clock.pass(NEVER_MS / 4);
    for (let updates = 0; updates < 3; updates++) await mesh.update();
    expect(await mesh.transactions(directive.id)).toEqual([]);
    await mesh.attest(directive, done, 2);
    await mesh.waitForStatus(directive.id, "Done");
    expect(await mesh.settlements(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
    expect(await mesh.counted(directive.id)).toEqual(all(three, done));
  });
});

describe("a node that hears nobody", () => {
  it("reports directly, and the others enact the directive with it", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five);
    await mesh.run();
    const directive = await mesh.issue();
    await mesh.update();
    mesh.cutOff(4);
    await mesh.attest(directive, done, 0, 1, 4);
    await mesh.waitForAttestations(directive, 2, 0, 1, 2, 3);
    expect(await mesh.transactions(directive.id)).toEqual([]);
    mesh.clock.pass(5_000);
    await mesh.waitForReports(directive.id, all([0, 1, 4], done));
    expect(await mesh.settlements(directive.id)).toMatchObject([
      { by: 4, method: "report" },
      { method: "reportByAggregate" },
    ]);
  });

  it("is heard once it is back: what does not count is sent again every ten seconds", async () => {
    const mesh = await createAttestationMesh();
    // It has a neighbour that hears no more than itself.
    await mesh.start(five);
    await mesh.run();
    const directive = await mesh.issue();
    await mesh.update();
    mesh.split([3, 4], [0, 1, 2]);
    await mesh.attest(directive, done, 4, 0, 1);
    await mesh.waitForAttestations(directive, 1, 3, 4);
    await mesh.waitForAttestations(directive, 2, 0, 1, 2);
    mesh.heal();
    mesh.clock.pass(9_000);
    await mesh.update();
    expect(await mesh.transactions(directive.id)).toEqual([]);
    mesh.clock.pass(1_000);
    await mesh.waitForReports(directive.id, all([0, 1, 4], done));
    expect(await mesh.settlements(directive.id)).toMatchObject([{ method: "reportByAggregate" }]);
  });
});

describe("a node that starts again", () => {
  it("says the same as before, without being asked, and nothing else", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five);
    const directive = await mesh.issue();
    await mesh.update();
    await mesh.attest(directive, ready, 2);
    await mesh.attest(directive, done, 2);
    const bytes = await readFile(mesh.journalOf(2), "utf8");
    expect(
      bytes
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { directiveId: directive.id, ...ready },
      { directiveId: directive.id, ...done },
    ]);
    await mesh.stop(...five);

    // Nobody remembers it but itself.
    await mesh.start(five);
    await mesh.update();
    await mesh.waitForAttestations(directive, 2);
    expect(mesh.node(0).exchange.heard(directive)).toMatchObject([ready, done]);
    await expect(mesh.node(2).exchange.attest(directive, failed)).rejects.toMatchObject({
      code: "attested-otherwise",
    });
    await mesh.attest(directive, done, 2);
    expect(await readFile(mesh.journalOf(2), "utf8")).toBe(bytes);
    await mesh.run();
    await mesh.attest(directive, done, 0, 1);
    await mesh.waitForReports(directive.id, all(three, done));
  });

  it("has signed nothing that it could not write down", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(three);
    const directive = await mesh.issue();
    await mesh.update();
    const { exchange } = mesh.node(1);
    await mesh.stop(1);
    // Its journal is closed, its mesh is not.
    await expect(exchange.attest(directive, done)).rejects.toThrow();
    expect(exchange.heard(directive)).toEqual([]);
    await mesh.attest(directive, done, 0);
    await mesh.waitForAttestations(directive, 1, 0, 2);
  });

  it("sends nothing that counts already", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start([2], { waitForMoreMs: 0 });
    await mesh.run();
    const directive = await mesh.issue();
    await mesh.update();
    await mesh.attest(directive, done, 2);
    await mesh.waitForReports(directive.id, { 2: done });
    await mesh.stop(2);
    await mesh.start([0, 2]);
    await mesh.update();
    await mesh.update();
    expect(mesh.node(2).exchange.heard(directive)).toEqual([]);
    expect(mesh.logs.filter(({ message }) => message === "sent an attestation")).toHaveLength(1);
    expect(await mesh.transactions(directive.id)).toHaveLength(1);
  });

  it("stands by what its key has signed where its journal is lost", async () => {
    const mesh = await createAttestationMesh();
    await mesh.start(five);
    const directive = await mesh.issue();
    await mesh.update();
    await mesh.publish(0, mesh.sign(directive.id, 2, failed));
    await mesh.waitForAttestations(directive, 1, 1, 2, 3, 4);
    await mesh.attest(directive, done, 2);
    expect(mesh.node(2).exchange.own(directive.id, "end")).toMatchObject(failed);
    expect(mesh.logs).toContainEqual(expect.objectContaining({ node: 2, level: "error" }));
  });
});

describe("a seat that has had another agent since the issue", () => {
  it("is no more of the committee that reports: it says nothing, and the others enact without it", async () => {
    const mesh = await createAttestationMesh();
    const { dao } = mesh;
    await dao.witan.increaseTime(AGENT_PERIOD);
    const directive = await mesh.issue();
    const next = blsKey("rotated");
    await rotate(dao, 1, "rotated");
    await mesh.start([0, 2, 3, 4]);
    await mesh.start([1], { blsSecret: next });
    await mesh.run();
    await mesh.attest(directive, done, 1, 0, 2, 4);
    await mesh.waitForReports(directive.id, all([0, 2, 4], done));
    await mesh.waitForStatus(directive.id, "Done");
    // It may still bring what others say.
    expect(await mesh.transactions(directive.id)).not.toContainEqual(
      expect.objectContaining({ by: 1, method: "report" }),
    );
    // Nobody was sent what is not good.
    for (const index of five) expect(mesh.node(index).exchange.counts.badSignatures).toBe(0);
  });
});
