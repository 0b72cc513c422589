import { describe, expect, it } from "vitest";
import { encodeRecord, type Hex, type Outcome, subjectHash } from "../../../src/records/index.js";
import { issueRestart } from "../../harness/client/directives.js";
import { failureOf, useTestDao } from "../../harness/dao.js";
import { operatorKey } from "../../harness/deploy.js";

describe("reportDirective", () => {
  const dao = useTestDao({ nodes: 3 });

  const outcomeOf = (directive: Hex, note = "restarted"): Outcome => ({
    schema: "witan/outcome/1",
    directive,
    result: "done",
    detail: [{ subject: "replica/web/3", result: "done", note }],
    produced: [],
  });
  const contentIdOf = (outcome: Outcome) => encodeRecord("Outcome", outcome).contentId;

  it("enacts a directive by the reports of more than half", async () => {
    const stop = new AbortController();
    const directiveId = await issueRestart(dao);
    const issued = await dao.client(1).getDirective({ directiveId });
    expect(issued).toMatchObject({
      id: directiveId,
      kind: "Restart",
      subject: subjectHash("replica/web/3"),
      status: "Issued",
      committeeSize: 3,
      outcome: null,
    });
    expect(issued.activeAt - issued.issuedAt).toBe(5);
    expect(issued.deadline - issued.activeAt).toBe(600);
    expect(JSON.parse(JSON.stringify(issued))).toEqual(issued);

    const outcome = contentIdOf(outcomeOf(directiveId));
    await dao.client(0).reportDirective({ directiveId, report: "ready" });
    await dao.witan.increaseTime(5);
    await dao.client(0).reportDirective({ directiveId, report: "done", outcome });
    expect((await dao.client().getDirective({ directiveId })).status).toBe("Issued");
    const receipt = await dao.client(1).reportDirective({ directiveId, report: "done", outcome });
    expect(receipt.logs.map(({ name }) => name)).toEqual(["DirectiveReported", "DirectiveEnacted"]);
    expect(await dao.client().getDirective({ directiveId })).toMatchObject({ status: "Done", outcome });

    expect(await dao.client(2).listReports({ directiveId })).toMatchObject([
      { node: dao.client(0).account, report: "ready", outcome: null },
      { node: dao.client(0).account, report: "done", outcome },
      { node: dao.client(1).account, report: "done", outcome },
    ]);
    const changes = dao.client(2).watchDirectives({ signal: stop.signal });
    const seen = [];
    while (seen.length < 5) seen.push((await changes.next()).value);
    expect(seen.map((change) => change?.change)).toEqual(["issued", "reported", "reported", "reported", "enacted"]);
    expect(new Set(seen.map((change) => change?.directiveId))).toEqual(new Set([directiveId]));
    stop.abort();
    expect((await changes.next()).done).toBe(true);
  });

  it("refuses reports that are early, late, twice, from strangers or without their outcome", async () => {
    const directiveId = await issueRestart(dao, 60);
    const outcome = contentIdOf(outcomeOf(directiveId));
    const report = (index: number, parameters: { report: "ready" | "done" | "failed"; outcome?: Hex }) =>
      failureOf(dao.client(index).reportDirective({ directiveId, ...parameters }));
    expect(await report(0, { report: "done", outcome })).toMatchObject({ errorName: "DirectiveRegistryNotActive" });
    expect(await report(0, { report: "done" })).toMatchObject({ code: "invalid-input" });
    expect(await report(0, { report: "ready", outcome })).toMatchObject({ code: "invalid-input" });
    const odd = { report: "none" } as unknown as { report: "ready" };
    expect(await report(0, odd)).toMatchObject({ code: "invalid-input" });

    await dao.witan.increaseTime(5);
    await dao.client(0).reportDirective({ directiveId, report: "failed", outcome });
    expect(await report(0, { report: "done", outcome })).toMatchObject({
      errorName: "DirectiveRegistryAlreadyReported",
    });
    const stranger = await dao.connect(operatorKey("stranger"));
    expect(await failureOf(stranger.reportDirective({ directiveId, report: "ready" }))).toMatchObject({
      errorName: "DirectiveRegistryNotMember",
    });

    await dao.witan.increaseTime(120);
    expect(await report(1, { report: "done", outcome })).toMatchObject({ errorName: "DirectiveRegistryLapsed" });
    expect((await dao.client().getDirective({ directiveId })).status).toBe("Lapsed");
  });
});
