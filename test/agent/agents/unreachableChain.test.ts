import { describe, expect, it, onTestFinished } from "vitest";
import { type RpcProxy, startRpcProxy } from "../../faults/rpcProxy.js";
import type { Agents } from "../../harness/agents.js";
import { startHardhatNode } from "../../harness/hardhatNode.js";
import { patience } from "../../harness/patience.js";
import { agentsOf } from "./agentsOf.js";

describe("a chain that is out of reach for a while", () => {
  async function behindProxy(): Promise<{ rpc: RpcProxy; mesh: Agents }> {
    const node = await startHardhatNode();
    const rpc = await startRpcProxy(node.rpcUrl);
    onTestFinished(async () => {
      await rpc.close();
      await node.close();
    });
    // Connected through the proxy, deployed past it.
    return { rpc, mesh: await agentsOf({ node, nodes: 1, rpcUrl: rpc.url }) };
  }

  it("does not stop the loop: what was seen is kept, and acted on later", async () => {
    const { rpc, mesh } = await behindProxy();
    const { agents, fleet, connect, cycles, start, ended } = mesh;
    await start(0);
    await cycles(0);
    expect(agents.get(0)?.status.lastError).toBeUndefined();

    rpc.mode = "unavailable";
    fleet.kill("web/1");
    await expect.poll(() => agents.get(0)?.status.lastError, patience).toMatch(/HTTP status 503/);
    await cycles(0, 4);
    expect(agents.get(0)?.status.waitingRecords).toBeGreaterThan(0);
    expect(fleet.executions).toBe(0);

    rpc.mode = "pass";
    expect(await ended(await connect(), "Restart")).toMatchObject({ status: "Done" });
    expect(fleet.restarts).toEqual(new Map([["web/1", 1]]));
    await expect.poll(() => agents.get(0)?.status.lastError, patience).toBeUndefined();
  });
});
