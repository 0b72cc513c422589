import { id } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeCall } from "../../src/ports/chain/index.js";
import type { Address, Order } from "../../src/records/index.js";
import { admissionOf, operatorKey } from "../fixtures/deploy.js";
import { admission, evidence, newcomer, orders, rotationKey } from "./orders.js";
import { createSetting, restart, type Setting } from "./setting.js";

describe("proposals that do not say what they do", () => {
  let setting: Setting;
  let restore: () => Promise<void>;
  beforeAll(async () => {
    setting = await createSetting({ nodes: 5, guardian: operatorKey(4).address as Address });
  });
  afterAll(() => setting.close());
  beforeEach(async () => {
    restore = await setting.witan.snapshot();
  });
  afterEach(() => restore());

  const possession = () => admissionOf(setting.witan.operators[0] ?? newcomer, rotationKey) as typeof admission;
  /** An order with the keys that its effect needs. */
  const input = (order: Order) => ({
    order,
    evidence,
    ...(order.kind === "Admit" ? { admissions: [admission] } : {}),
    ...(order.kind === "RotateKey" ? { rotation: possession() } : {}),
  });
  it.each<[string, (built: ReturnType<ReturnType<Setting["client"]>["buildProposal"]>) => unknown, string[]]>([
    [
      "another payload",
      ({ payload }) => ({ payload: { ...payload, order: { ...restart, instance: "web-3/2" } } }),
      ["payload-mismatch"],
    ],
    ["another description", () => ({ description: "Restart nothing at all" }), ["description-mismatch"]],
    ["money", ({ calls }) => ({ calls: calls.map((call) => ({ ...call, value: "1" })) }), ["value-attached"]],
    ["two directives", ({ calls }) => ({ calls: [...calls, ...calls] }), ["not-one-directive"]],
    ["no directive", () => ({ calls: [] }), ["not-one-directive"]],
    [
      "a stranger's call",
      ({ calls }) => ({ calls: [{ target: newcomer.address, value: "0", data: "0x12345678" }, ...calls] }),
      ["unknown-call", "effect-unexpected"],
    ],
    [
      "a hidden effect",
      ({ calls }) => ({
        calls: [encodeCall(setting.client().chain.addresses, "NodeRegistry", "remove", [[1]]), ...calls],
      }),
      ["effect-unexpected"],
    ],
  ])("show it: %s", (_, change, codes) => {
    const client = setting.client();
    const built = client.buildProposal(input(restart));
    const changed = { ...built, ...(change(built) as object) };
    const found = client.checkProposal({ proposal: changed, payload: changed.payload });
    expect(found.map(({ code }) => code)).toEqual(codes);
    for (const { message } of found) expect(message).toMatch(/^[A-Z].*\.$/);
  });

  it("show it: a kind and a subject that are not the payload's", () => {
    const client = setting.client();
    const scale = client.buildProposal(input({ kind: "Scale", workload: "web", replicas: 2 }));
    const { calls, description } = client.buildProposal(input(restart));
    const codes = client
      .checkProposal({ proposal: { calls, description }, payload: scale.payload })
      .map(({ code }) => code);
    expect(codes).toEqual(["payload-mismatch", "kind-mismatch", "subject-mismatch", "description-mismatch"]);
  });

  it("show it: an effect that is missing, another, or not alone", () => {
    const client = setting.client();
    const { addresses } = client.chain;
    for (const order of orders) {
      const { calls, payload, description } = client.buildProposal(input(order));
      const [effect, issue] = calls;
      if (issue === undefined || effect === undefined) continue;
      const codes = (changed: typeof calls) =>
        client.checkProposal({ proposal: { calls: changed, description }, payload }).map(({ code }) => code);
      expect(codes([issue])).toEqual(["effect-missing"]);
      const other = encodeCall(addresses, "ParameterRegistry", "setParameter", [id("x"), 1]);
      expect(codes([other, issue])).toEqual(["effect-mismatch"]);
      expect(codes([effect, other, issue])).toEqual(["effect-unexpected"]);
    }
    const admit = client.buildProposal(input(orders.find(({ kind }) => kind === "Admit") ?? restart));
    const sneaked = encodeCall(addresses, "NodeRegistry", "admit", [
      [admission, { ...admission, operator: addresses.NodeGovernor }],
    ]);
    const [, issue] = admit.calls;
    const found = client.checkProposal({
      proposal: { ...admit, calls: [sneaked, ...(issue === undefined ? [] : [issue])] },
      payload: admit.payload,
    });
    expect(found.map(({ code }) => code)).toEqual(["effect-mismatch"]);
  });
});
