import { describe, expect, it } from "vitest";
import { type EffectMaterial, effectOf, effectTargets } from "../../../src/client/proposals/effect.js";
import { type Admission, decodeCall, encodeName, NO_CONTENT } from "../../../src/ports/chain/index.js";
import type { Order, OrderOf } from "../../../src/records/index.js";
import { addresses } from "../../harness/fakeClient.js";
import { idOf, NODE, OTHER, orders } from "../../records/samples.js";

const admissionOf = (operator: Admission["operator"]): Admission => ({
  ...{ operator, agent: operator, key: `0x${"01".repeat(128)}`, possession: `0x${"02".repeat(160)}` },
  ...{ peerId: "0x0102", deadline: 7, consent: `0x${"03".repeat(65)}` },
});
const material: EffectMaterial = {
  admissions: [admissionOf(NODE), admissionOf(OTHER)],
  consents: { deadline: 7, from: "0x01", to: "0x02" },
};
const orderOf = <K extends Order["kind"]>(kind: K) => orders.find((order) => order.kind === kind) as OrderOf<K>;
const refusal = expect.objectContaining({ code: "invalid-input" });

describe("an order", () => {
  it.each(orders.map((order) => [order.kind, order] as const))(
    "takes effect where its kind does: %s",
    (kind, order) => {
      const call = effectOf(addresses, order, material);
      const decoded = call && decodeCall(addresses, call);
      expect(decoded && { contract: decoded.contract, name: decoded.name }).toEqual(effectTargets[kind]);
      expect(call?.value ?? "0").toBe("0");
    },
  );

  it("carries to the contract what it says", () => {
    const argsOf = (order: Order) => {
      const call = effectOf(addresses, order, material);
      return Object.values((call && decodeCall(addresses, call).args) ?? {});
    };
    expect(argsOf({ ...orderOf("AcceptModel"), parent: null })).toEqual([
      encodeName("mnist"),
      idOf("model"),
      NO_CONTENT,
      3n,
    ]);
    expect(argsOf({ ...orderOf("AcceptModel"), parent: idOf("parent") })[2]).toBe(idOf("parent"));
    expect(argsOf(orderOf("SetFlag"))).toEqual([encodeName("chaos.enabled"), true]);
    expect(argsOf(orderOf("SetParameter"))).toEqual([encodeName("learning.rounds"), 2n ** 256n - 1n]);
    expect(argsOf(orderOf("Ban"))).toEqual([[OTHER, NODE]]);
    expect(argsOf(orderOf("ChangeOperator"))).toEqual([NODE, OTHER, 7n, "0x01", "0x02"]);
  });
});

describe("keys that are not those of the order", () => {
  const [first, second] = [admissionOf(NODE), admissionOf(OTHER)];

  it.each<[string, readonly (Admission | undefined)[] | undefined]>([
    ["none", undefined],
    ["too few", [first]],
    ["too many", [first, second, first]],
    ["in another order", [second, first]],
  ])("are refused for an Admit: %s", (_what, admissions) => {
    const given = admissions && { admissions: admissions as Admission[] };
    expect(() => effectOf(addresses, orderOf("Admit"), given)).toThrow(refusal);
  });

  it("are refused for a ChangeOperator that has none", () => {
    expect(() => effectOf(addresses, orderOf("ChangeOperator"))).toThrow(refusal);
  });

  it("are refused for a name that no contract stores", () => {
    expect(() => effectOf(addresses, { kind: "SetFlag", name: "a".repeat(32), value: true })).toThrow(refusal);
  });
});
