import { describe, expect, it } from "vitest";
import { createFleetHandler } from "../../../src/agent/handlers/fleet.js";
import type { DirectiveContext } from "../../../src/agent/handlers/handler.js";
import type { Order, Outcome } from "../../../src/records/index.js";
import { kill, releaseOf, startTestFleet } from "../../engines/fleet/testFleet.js";

const contextOf = (order: Order): DirectiveContext => ({
  directiveId: `0x${"d1".repeat(32)}`,
  order,
  signal: new AbortController().signal,
});

/** A handler over a workload of real processes. */
async function handling(replicas: number) {
  const { driver } = await startTestFleet({ replicas });
  return { driver, handler: createFleetHandler({ driver, progressDeadlineMs: 4_000 }) };
}

describe("the handler of orders on workloads", () => {
  it("executes an order once, and verifies by its own probes that it was", async () => {
    const { driver, handler } = await handling(1);
    const [before] = await driver.list();
    const instance = before?.instance ?? "";
    kill(instance);
    const replica = before?.subject.slice("replica/".length) ?? "";
    const context = contextOf({ kind: "Restart", replica, instance });
    const claim = { result: "done" } as Outcome;
    expect(await handler.verify(context, claim)).toMatchObject({ holds: false });

    const executed = await handler.execute(context);
    expect(executed).toMatchObject({ result: "done", detail: [{ result: "done" }], produced: [] });
    expect(await handler.verify(context, claim)).toMatchObject({ holds: true });
    const [after] = await driver.list();
    expect([after?.healthy, after?.instance === instance]).toEqual([true, false]);
  });

  it("reports a failure that is final as the outcome", async () => {
    const { handler } = await handling(0);
    const missing = { ...releaseOf("v1", "examples/workload/v1/server.mjs"), sha256: `0x${"00".repeat(32)}` } as const;
    const executed = await handler.execute(contextOf({ kind: "Deploy", workload: "web", release: missing, batch: 1 }));
    expect(executed.result).toBe("failed");
  });

  it("refuses an order that is on no workload", async () => {
    const { handler } = await handling(0);
    const flag: Order = { kind: "SetFlag", name: "maintenance", value: true };
    await expect(handler.execute(contextOf(flag))).rejects.toThrow("SetFlag is not an order on a workload");
    expect(handler.kinds).not.toContain("SetFlag");
  });
});
