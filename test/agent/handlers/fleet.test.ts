import { describe, expect, it } from "vitest";
import { createFleetHandler } from "../../../src/agent/handlers/fleet.js";
import type { DirectiveContext } from "../../../src/agent/handlers/handler.js";
import type { Order, Outcome } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { kill, releaseOf, startTestFleet } from "../../engines/fleet/testFleet.js";

const contextOf = (order: Order): DirectiveContext => ({
  directiveId: `0x${"d1".repeat(32)}`,
  order,
  signal: new AbortController().signal,
});

/** A handler over a workload of real processes. */
async function handling(replicas: number) {
  const { driver } = await startTestFleet({ replicas });
  return {
    driver,
    handler: createFleetHandler({ driver, logger: createLogger("silent", () => undefined), progressDeadlineMs: 4_000 }),
  };
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

  it("reports as failed what this machine shows to be impossible", async () => {
    const { driver, handler } = await handling(1);
    const from = (await driver.releases())?.running ?? "0x";
    const executed = await handler.execute(contextOf({ kind: "Rollback", workload: "web", from, to: null }));
    expect(executed).toMatchObject({
      result: "failed",
      detail: [{ note: expect.stringContaining("no good release") }],
    });
  });

  it("says nothing of what only this node lacks: another may have it", async () => {
    const { handler } = await handling(0);
    const wrongHash = {
      ...releaseOf("v1", "examples/workload/v1/server.mjs"),
      sha256: `0x${"00".repeat(32)}`,
    } as const;
    const noFile = { name: "v9", command: ["node", "nowhere.mjs"], sha256: `0x${"00".repeat(32)}` } as const;
    for (const release of [wrongHash, noFile]) {
      // With a replica to bring to the release, since nothing is checked where nothing is to be started.
      const { handler } = await handling(1);
      const order: Order = { kind: "Deploy", workload: "web", release, batch: 1 };
      expect(await handler.execute(contextOf(order))).toBeUndefined();
    }
    expect(await handler.execute(contextOf({ kind: "Restart", replica: "web/7", instance: "1@1" }))).toBeUndefined();
  });

  it("is about its own workload alone", async () => {
    const { handler } = await handling(0);
    const concerns = (order: Order) => handler.concerns?.(order);
    expect(concerns({ kind: "Scale", workload: "web", replicas: 1 })).toBe(true);
    expect(concerns({ kind: "Scale", workload: "api", replicas: 1 })).toBe(false);
    expect(concerns({ kind: "Restart", replica: "web/0", instance: "1@1" })).toBe(true);
    expect(concerns({ kind: "Restart", replica: "api/0", instance: "1@1" })).toBe(false);
  });

  it("refuses an order that is on no workload", async () => {
    const { handler } = await handling(0);
    const flag: Order = { kind: "SetFlag", name: "maintenance", value: true };
    await expect(handler.execute(contextOf(flag))).rejects.toThrow("SetFlag is not an order on a workload");
    expect(handler.kinds).not.toContain("SetFlag");
  });
});
