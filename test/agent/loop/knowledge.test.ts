import { expect, it, onTestFinished } from "vitest";
import { Knowledge } from "../../../src/agent/loop/knowledge.js";
import type { Client } from "../../../src/client/index.js";
import { underWayKey } from "../../../src/policy/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { type Order, subjectHash } from "../../../src/records/index.js";
import { createTestDao } from "../../harness/dao.js";

const DAY = 86_400;
const nothingSeen = { replicas: [] } as unknown as Parameters<Knowledge["read"]>[1];
const rounds: Order = {
  kind: "StartRound",
  task: "mnist",
  base: null,
  firstRound: 1,
  rounds: 1,
  minParticipants: 1,
  timeoutSeconds: 60,
  localEpochs: 1,
  learningRate: 0.1,
  batchSize: 8,
  seed: 7,
};

it("counts no series of rounds whose records are past their retention, and fails on any other that cannot be read", async () => {
  const setting = await createTestDao({ nodes: 3 });
  onTestFinished(() => setting.close());
  const blocks = new Map<string, Uint8Array>();
  const content = createMemoryContent(blocks);
  const clients: Client[] = [];
  for (const operator of setting.witan.operators) clients.push(await setting.connect(operator, content));
  const [client] = clients as [Client];
  const decide = async (order: Order) => setting.carryOut((await client.openProposal({ order })).proposalId);
  const lastRound = async (knowledge: Knowledge) => (await knowledge.read({ directives: [] }, nothingSeen)).lastRound;

  const directive = await decide(rounds);
  const value = {
    schema: "witan/outcome/1",
    directive,
    result: "done",
    detail: [],
    produced: [],
  } as const;
  const { records } = await client.anchorRecords({ records: [{ kind: "Outcome", value }] });
  const { cid = "", contentId: outcome } = records[0] ?? {};
  for (const each of clients.slice(0, 2))
    await each.reportDirective({ directiveId: directive, report: "done", outcome });
  const before = new Knowledge(client, "mnist");
  expect(await lastRound(before)).toEqual({ task: "mnist", base: null, models: [] });

  blocks.delete(cid);
  // As a node that starts now.
  const fresh = new Knowledge(await setting.connect(setting.witan.operators[0], content), "mnist");
  await expect(lastRound(fresh)).rejects.toMatchObject({ code: "content-missing" });
  await decide({ kind: "SetParameter", name: "retain.Outcome", value: `${DAY}` });
  await expect(lastRound(fresh)).rejects.toMatchObject({ code: "content-missing" });
  await setting.witan.increaseTime(2 * DAY);
  expect(await lastRound(fresh)).toBeNull();
  expect(await lastRound(before)).not.toBeNull();
});

it("holds an order to be under way for one snapshot more: it may have ended after its subject was observed", async () => {
  const setting = await createTestDao({ nodes: 1 });
  onTestFinished(() => setting.close());
  const knowledge = new Knowledge(setting.client(0), undefined);
  const subject = subjectHash("replica/web/3");
  const key = underWayKey("Restart", subject);
  const directives = [{ kind: "Restart", subject }] as unknown as Parameters<Knowledge["read"]>[0]["directives"];
  const isUnderWay = async (now: typeof directives) =>
    (await knowledge.read({ directives: now }, nothingSeen)).underWay.has(key);
  expect([await isUnderWay([]), await isUnderWay(directives)]).toEqual([false, true]);
  expect([await isUnderWay([]), await isUnderWay([])]).toEqual([true, false]);
});
