import { describe, expect, it } from "vitest";
import { describeProposal, subjectOf } from "../../../src/client/proposals/description.js";
import { contentIdToCid, type DirectiveKind, type Order } from "../../../src/records/index.js";
import { idOf, NODE, OTHER, orders, payloadOf } from "../../records/samples.js";

const subjects: Partial<Record<DirectiveKind, string>> = {
  Deploy: "workload/web",
  Scale: "workload/web",
  Rollback: "workload/web",
  Restart: "replica/web/3",
  StartRound: "task/mnist",
  AcceptModel: "model/mnist",
  Admit: "committee",
  Ban: "committee",
  ChangeOperator: `seat/${NODE}`,
  SetParameter: "parameter/learning.rounds",
  SetFlag: "flag/chaos.enabled",
  SetTrack: "track/operations",
  Experiment: "experiment/kill one",
  Suspend: "presence",
  AdmitPublisher: `publisher/${idOf("publisher")}`,
  RevokePublisher: `publisher/${idOf("publisher")}`,
};
const payloadId = idOf("payload");

it.each(orders.map((order) => [order.kind, order] as const))("knows what an order is about: %s", (kind, order) => {
  expect(subjectOf(order)).toBe(subjects[kind]);
});

describe("the description of a proposal", () => {
  it.each(orders.map((order) => [order.kind, order] as const))("begins with its kind: %s", (kind, order) => {
    const [headline, empty, payload, evidence] = describeProposal(payloadOf(order), payloadId, []).split("\n");
    expect(headline).toMatch(new RegExp(`^${kind} `));
    expect([empty, payload, evidence]).toEqual([
      "",
      `witan/directive/1 ${contentIdToCid(payloadId)}`,
      "evidence: none",
    ]);
  });

  it("says what people vote on", () => {
    const headlineOf = (order: Order) => describeProposal(payloadOf(order), payloadId, []).split("\n")[0];
    expect(headlineOf({ kind: "Scale", workload: "web", replicas: 9 })).toBe("Scale workload/web to 9");
    expect(headlineOf({ kind: "Rollback", workload: "web", from: idOf("v2"), to: null })).toMatch(
      /to the release before$/,
    );
    expect(headlineOf({ kind: "Ban", operators: [OTHER, NODE], reason: "two ballots" })).toBe(`Ban ${OTHER}, ${NODE}`);
    expect(headlineOf({ kind: "SetFlag", name: "chaos", value: false })).toMatch(/ to false$/);
  });

  it("cites evidence in the order in which it is given", () => {
    const evidence = [idOf("b"), idOf("a")];
    const cited = evidence.map((id) => contentIdToCid(id)).join(", ");
    expect(describeProposal(payloadOf(orders[0] as Order), payloadId, evidence)).toMatch(
      new RegExp(`evidence: ${cited}$`),
    );
  });
});
