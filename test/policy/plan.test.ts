import { describe, expect, it } from "vitest";
import {
  type Analysis,
  PlanDefaults,
  type PlanInput,
  plan,
  standardWindow,
  underWayKey,
} from "../../src/policy/index.js";
import { type ContentId, type Incident, subjectHash } from "../../src/records/index.js";
import { nothingShared, v2, wellMachine } from "./fixtures.js";

const id = (byte: string): ContentId => `0x${byte.repeat(32)}`;
const thriving: Analysis = {
  phi: 1.6,
  state: "EUPHORIC",
  health: "healthy",
  metrics: wellMachine,
  heldCycles: 3,
  incidents: [],
  advised: [],
};
const incident = (change: Partial<Incident>): Incident => ({
  schema: "witan/incident/1",
  kind: "replica-down",
  severity: "high",
  subject: "replica/web/3",
  observed: { instance: "7@8", release: v2 },
  detection: { probe: "process" },
  resolution: null,
  ...change,
});
const input = (change: Partial<PlanInput>): PlanInput => ({
  analysis: { ...thriving, state: "HARMONIC" },
  incidents: [],
  shared: nothingShared,
  policy: PlanDefaults,
  ...change,
});
const orders = (change: Partial<PlanInput>) => plan(input(change)).map(({ order }) => order);

describe("a plan", () => {
  it("restarts what is down and cites the incident", () => {
    expect(plan(input({ incidents: [{ contentId: id("aa"), incident: incident({}) }] }))).toEqual([
      {
        order: { kind: "Restart", replica: "web/3", instance: "7@8" },
        subject: "replica/web/3",
        evidence: [id("aa")],
        delay: 0,
        window: standardWindow("Restart"),
      },
    ]);
  });

  it("rolls a failing release back and asks nothing for what is beneath notice", () => {
    const failing = incident({
      kind: "release-failing",
      subject: "workload/web",
      observed: { release: v2, name: "v2" },
    });
    expect(orders({ incidents: [{ contentId: id("aa"), incident: failing }] })).toEqual([
      { kind: "Rollback", workload: "web", from: v2, to: null },
    ]);
    const minor = incident({ severity: "low" });
    expect(orders({ incidents: [{ contentId: id("aa"), incident: minor }] })).toEqual([]);
    expect(orders({ incidents: [{ contentId: id("aa"), incident: incident({ kind: "node-unreachable" }) }] })).toEqual(
      [],
    );
  });

  it("does not plan again what is being carried out, and nothing else keeps it back", () => {
    const subject = subjectHash("replica/web/3");
    const withUnderWay = (key: string) =>
      orders({
        incidents: [{ contentId: id("aa"), incident: incident({}) }],
        shared: { ...nothingShared, underWay: new Set([key]) },
      });
    expect(withUnderWay(underWayKey("Restart", subject))).toEqual([]);
    expect(withUnderWay(underWayKey("Rollback", subject))).toHaveLength(1);
    expect(withUnderWay(underWayKey("Restart", subjectHash("replica/web/4")))).toHaveLength(1);
  });

  it("starts rounds from the accepted model when the node has long been well and the flag is on", () => {
    const shared = { ...nothingShared, flags: new Set(["learning"]) };
    expect(orders({ analysis: thriving, shared })).toMatchObject([{ kind: "StartRound", base: null, firstRound: 1 }]);
    expect(orders({ analysis: thriving })).toEqual([]);
    expect(orders({ analysis: { ...thriving, heldCycles: 2 }, shared })).toEqual([]);
    expect(orders({ analysis: { ...thriving, health: "degraded" }, shared })).toEqual([]);
    const accepted = { ...shared, acceptedModel: { contentId: id("cc"), round: 5, accuracy: 0.9 } };
    expect(orders({ analysis: thriving, shared: accepted })).toMatchObject([{ base: id("cc"), firstRound: 6 }]);
  });

  it("proposes the best model of a finished series, if it is better than the accepted one", () => {
    const lastRound = {
      task: "mnist",
      base: null,
      models: [
        { contentId: id("a1"), round: 1, accuracy: 0.8 },
        { contentId: id("a2"), round: 2, accuracy: 0.91 },
        { contentId: id("a3"), round: 3, accuracy: 0.9 },
      ],
    };
    expect(orders({ shared: { ...nothingShared, lastRound } })).toEqual([
      { kind: "AcceptModel", name: "mnist", model: id("a2"), parent: null, round: 2, accuracy: 0.91 },
    ]);
    const acceptedModel = { contentId: id("bb"), round: 1, accuracy: 0.91 };
    expect(orders({ shared: { ...nothingShared, lastRound, acceptedModel } })).toEqual([]);
  });

  it("asks for one more replica where scaling is on, up to the bound", () => {
    const shared = {
      ...nothingShared,
      flags: new Set(["scaling"]),
      replicas: new Map([
        ["web", 6],
        ["full", 500],
      ]),
    };
    expect(orders({ analysis: thriving, shared })).toEqual([{ kind: "Scale", workload: "web", replicas: 7 }]);
  });
});
