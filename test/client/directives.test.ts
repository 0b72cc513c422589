import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UnknownDirectiveError } from "../../src/client/index.js";
import { encodeRecord, type Hex, type Outcome, subjectHash } from "../../src/records/index.js";
import { operatorKey } from "../fixtures/deploy.js";
import { createSetting, failureOf, restart, type Setting } from "./setting.js";

describe("directives", () => {
  let setting: Setting;
  beforeAll(async () => {
    setting = await createSetting({ nodes: 3 });
  });
  afterAll(() => setting.close());

  async function issue(salt: string, window = 600): Promise<Hex> {
    const { proposalId } = await setting
      .client()
      .openProposal({ order: restart, salt: subjectHash(salt), window, delay: 5 });
    return setting.carryOut(proposalId);
  }
  const outcomeOf = (directive: Hex, note = "restarted"): Outcome => ({
    schema: "witan/outcome/1",
    directive,
    result: "done",
    detail: [{ subject: "replica/web/3", result: "done", note }],
    logs: null,
    durationMs: 120,
    produced: [],
  });
  const contentIdOf = (outcome: Outcome) => encodeRecord("Outcome", outcome).contentId;

  it("are issued, reported on and enacted, and tell by whom", async () => {
    const stop = new AbortController();
    const directiveId = await issue("first");
    const issued = await setting.client(1).getDirective({ directiveId });
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
    await setting.client(0).reportDirective({ directiveId, report: "ready" });
    await setting.witan.increaseTime(5);
    await setting.client(0).reportDirective({ directiveId, report: "done", outcome });
    expect((await setting.client().getDirective({ directiveId })).status).toBe("Issued");
    const receipt = await setting.client(1).reportDirective({ directiveId, report: "done", outcome });
    expect(receipt.logs.map(({ name }) => name)).toEqual(["DirectiveReported", "DirectiveEnacted"]);
    expect(await setting.client().getDirective({ directiveId })).toMatchObject({ status: "Done", outcome });

    expect(await setting.client(2).listReports({ directiveId })).toMatchObject([
      { node: setting.client(0).account, report: "ready", outcome: null },
      { node: setting.client(0).account, report: "done", outcome },
      { node: setting.client(1).account, report: "done", outcome },
    ]);
    const changes = setting.client(2).watchDirectives({ signal: stop.signal });
    const seen = [];
    while (seen.length < 5) seen.push((await changes.next()).value);
    expect(seen.map((change) => change?.change)).toEqual(["issued", "reported", "reported", "reported", "enacted"]);
    expect(new Set(seen.map((change) => change?.directiveId))).toEqual(new Set([directiveId]));
    stop.abort();
    expect((await changes.next()).done).toBe(true);
  });

  it("refuse reports that are early, late, twice, from strangers or without their outcome", async () => {
    const directiveId = await issue("second", 60);
    const outcome = contentIdOf(outcomeOf(directiveId));
    const report = (index: number, parameters: { report: "ready" | "done" | "failed"; outcome?: Hex }) =>
      failureOf(setting.client(index).reportDirective({ directiveId, ...parameters }));
    expect(await report(0, { report: "done", outcome })).toMatchObject({ errorName: "DirectiveRegistryNotActive" });
    expect(await report(0, { report: "done" })).toMatchObject({ code: "invalid-input" });
    expect(await report(0, { report: "ready", outcome })).toMatchObject({ code: "invalid-input" });
    const odd = { report: "none" } as unknown as { report: "ready" };
    expect(await report(0, odd)).toMatchObject({ code: "invalid-input" });

    await setting.witan.increaseTime(5);
    await setting.client(0).reportDirective({ directiveId, report: "failed", outcome });
    expect(await report(0, { report: "done", outcome })).toMatchObject({
      errorName: "DirectiveRegistryAlreadyReported",
    });
    const stranger = await setting.connect(operatorKey("stranger"));
    expect(await failureOf(stranger.reportDirective({ directiveId, report: "ready" }))).toMatchObject({
      errorName: "DirectiveRegistryNotMember",
    });

    await setting.witan.increaseTime(120);
    expect(await report(1, { report: "done", outcome })).toMatchObject({ errorName: "DirectiveRegistryLapsed" });
    expect((await setting.client().getDirective({ directiveId })).status).toBe("Lapsed");
  });

  it("are listed newest first, by kind, standing and block", async () => {
    const last = await issue("third");
    const all = await setting.client(2).listDirectives();
    expect(all[0]?.id).toBe(last);
    expect(all.map(({ status }) => status)).toEqual(["Issued", "Lapsed", "Done"]);
    expect(await setting.client(2).listDirectives({ kind: "Deploy" })).toEqual([]);
    expect((await setting.client(2).listDirectives({ statuses: ["Done"] })).map(({ status }) => status)).toEqual([
      "Done",
    ]);
    expect(await setting.client(2).listDirectives({ limit: 1 })).toHaveLength(1);
    expect(await setting.client(2).listDirectives({ fromBlock: all[0]?.blockNumber })).toHaveLength(1);
  });

  it("are not found where there are none", async () => {
    const nothing = subjectHash("nothing");
    expect(await failureOf(setting.client().getDirective({ directiveId: nothing }))).toBeInstanceOf(
      UnknownDirectiveError,
    );
    expect(await failureOf(setting.client().listReports({ directiveId: nothing }))).toBeInstanceOf(
      UnknownDirectiveError,
    );
  });

  it("cite a payload that anybody can fetch and that says all", async () => {
    const [directive] = await setting.client(1).listDirectives({ limit: 1 });
    const payload = await setting.client(1).fetchPayload({ contentId: directive?.payload ?? "0x" });
    expect(payload).toEqual({ schema: "witan/directive/1", subject: "replica/web/3", order: restart });
    const nowhere = subjectHash("nowhere");
    expect(await failureOf(setting.client(1).fetchPayload({ contentId: nowhere, timeoutMs: 50 }))).toMatchObject({
      code: "content-missing",
    });
  });
});
