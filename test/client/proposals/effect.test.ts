import { describe, expect, it } from "vitest";
import { type Admission, effectOf, effectTargets } from "../../../src/client/proposals/effect.js";
import { decodeCall, encodeName, NO_CONTENT } from "../../../src/ports/chain/index.js";
import type { Order, OrderOf } from "../../../src/records/index.js";
import { addresses } from "../../harness/fakeClient.js";
import { idOf, NODE, OTHER, orders } from "../../records/samples.js";

const admissionOf = (operator: Admission["operator"]): Admission => ({
  ...{ operator, key: `0x${"01".repeat(128)}`, possession: `0x${"02".repeat(256)}`, peerId: "0x0102" },
});
const material = {
  admissions: [admissionOf(NODE), admissionOf(OTHER)],
  rotation: { key: admissionOf(NODE).key, possession: admissionOf(NODE).possession },
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
    expect(argsOf(orderOf("RotateKey"))).toEqual([0n, material.rotation.key, material.rotation.possession]);
  });
});

describe("keys that are not those of the order", () => {
  const [first, second] = material.admissions;

  it.each<[string, readonly (Admission | undefined)[] | undefined]>([
    ["none", undefined],
    ["too few", [first]],
    ["too many", [first, second, first]],
    ["in another order", [second, first]],
  ])("are refused for an Admit: %s", (_what, admissions) => {
    const given = admissions && { admissions: admissions as Admission[] };
    expect(() => effectOf(addresses, orderOf("Admit"), given)).toThrow(refusal);
  });

  it("are refused for a RotateKey that has none", () => {
    expect(() => effectOf(addresses, orderOf("RotateKey"))).toThrow(refusal);
  });

  it("are refused for a name that no contract stores", () => {
    expect(() => effectOf(addresses, { kind: "SetFlag", name: "a".repeat(32), value: true })).toThrow(refusal);
  });
});
