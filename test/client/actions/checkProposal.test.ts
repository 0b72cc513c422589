import { id } from "ethers";
import { describe, expect, it } from "vitest";
import { encodeCall } from "../../../src/ports/chain/index.js";
import { useGuardedDao } from "../../harness/client/daos.js";
import { restartOrder, type TestDao } from "../../harness/dao.js";
import { newcomer, newcomerOf, orders, proposalOf } from "../../harness/orders.js";

const dao = useGuardedDao();

describe("checkProposal", () => {
  it.each<[string, (built: ReturnType<TestDao["clients"][number]["buildProposal"]>) => unknown, string[]]>([
    [
      "another payload",
      ({ payload }) => ({ payload: { ...payload, order: { ...restartOrder, instance: "web-3/2" } } }),
      ["payload-mismatch"],
    ],
    ["another description", () => ({ descriptionHash: id("Restart nothing at all") }), ["description-mismatch"]],
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
        calls: [encodeCall(dao.client().chain.addresses, "NodeRegistry", "remove", [[newcomer.address]]), ...calls],
      }),
      ["effect-unexpected"],
    ],
  ])("show it: %s", (_, change, codes) => {
    const client = dao.client();
    const built = client.buildProposal(proposalOf(dao, restartOrder));
    const changed = { ...built, ...(change(built) as object) };
    const found = client.checkProposal({ proposal: changed, payload: changed.payload });
    expect(found.map(({ code }) => code)).toEqual(codes);
    for (const { message } of found) expect(message).toMatch(/^[A-Z].*\.$/);
  });

  it("show it: a kind and a subject that are not the payload's", () => {
    const client = dao.client();
    const scale = client.buildProposal(proposalOf(dao, { kind: "Scale", workload: "web", replicas: 2 }));
    const { calls, descriptionHash } = client.buildProposal(proposalOf(dao, restartOrder));
    const codes = client
      .checkProposal({ proposal: { calls, descriptionHash }, payload: scale.payload })
      .map(({ code }) => code);
    expect(codes).toEqual(["payload-mismatch", "kind-mismatch", "subject-mismatch", "description-mismatch"]);
  });

  it("show it: an effect that is missing, another, or not alone", () => {
    const client = dao.client();
    const { addresses } = client.chain;
    for (const order of orders) {
      const { calls, payload, descriptionHash } = client.buildProposal(proposalOf(dao, order));
      const [effect, issue] = calls;
      if (issue === undefined || effect === undefined) continue;
      const codes = (changed: typeof calls) =>
        client.checkProposal({ proposal: { calls: changed, descriptionHash }, payload }).map(({ code }) => code);
      expect(codes([issue])).toEqual(["effect-missing"]);
      const other = encodeCall(addresses, "ParameterRegistry", "setParameter", [id("x"), 1]);
      expect(codes([other, issue])).toEqual(["effect-mismatch"]);
      expect(codes([effect, other, issue])).toEqual(["effect-unexpected"]);
    }
    const admit = client.buildProposal(proposalOf(dao, orders.find(({ kind }) => kind === "Admit") ?? restartOrder));
    const sneaked = encodeCall(addresses, "NodeRegistry", "admit", [
      [newcomerOf(dao), { ...newcomerOf(dao), operator: addresses.NodeGovernor }],
    ]);
    const [, issue] = admit.calls;
    const found = client.checkProposal({
      proposal: { ...admit, calls: [sneaked, ...(issue === undefined ? [] : [issue])] },
      payload: admit.payload,
    });
    expect(found.map(({ code }) => code)).toEqual(["effect-mismatch"]);
  });
});
