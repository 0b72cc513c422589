import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Chain, createChain } from "../../../src/ports/chain/index.js";
import { deployWitan, type HardhatNode, startHardhatNode, type Witan } from "../../fixtures/deploy.js";

describe("a chain", () => {
  let node: HardhatNode;
  let witan: Witan;
  let chain: Chain;
  beforeAll(async () => {
    node = await startHardhatNode();
    witan = await deployWitan({ nodes: 3, node });
    chain = await createChain({ rpcUrl: node.rpcUrl, ...witan.deployment });
  });
  afterAll(async () => {
    chain.close();
    await node.close();
  });

  it("tells the chain's time, not the wall's", async () => {
    const before = await chain.now();
    await witan.increaseTime(3600);
    console.log(before, await chain.now(), Date.now() / 1000);
    expect((await chain.now()) - before).toBeGreaterThanOrEqual(3600);
    const t0 = Date.now();
    console.log(
      await chain.provider.call({
        to: witan.deployment.contracts.NodeGovernor,
        data: "0x91ddadf4",
        blockTag: "latest",
      }),
    );
    await new Promise((r) => setTimeout(r, 2500));
    for (const blockTag of ["latest", "pending"])
      console.log(
        blockTag,
        await chain.provider.call({ to: witan.deployment.contracts.NodeGovernor, data: "0x91ddadf4", blockTag }),
      );
  });
  it("reads events", async () => {
    const events = await chain.events();
    console.log(
      events.map((e) => e.name),
      events[0],
    );
  });
});
