import { id } from "ethers";
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { ChainError, createChain, type Eip1193Provider } from "../../../../src/ports/chain/index.js";
import type { Clock } from "../../../../src/utils/clock.js";
import { TestClock } from "../../../harness/clock.js";
import { deployWitan, type Witan } from "../../../harness/deploy.js";

type Request = Parameters<Eip1193Provider["request"]>[0];

describe("broadcast", () => {
  let witan: Witan;
  let sent: string[];
  beforeAll(async () => {
    witan = await deployWitan({ nodes: 1 });
  });
  beforeEach(() => {
    sent = [];
  });

  const lost = () => new ChainError("rpc-timeout", "The answer was lost.");

  /** A chain over a provider that passes each request on, or does what `fault` returns instead. */
  async function connect(fault: (request: Request, pass: () => Promise<unknown>) => Promise<unknown>, clock?: Clock) {
    const provider: Eip1193Provider = {
      request(request) {
        if (request.method === "eth_sendRawTransaction") sent.push(String(request.params?.[0]));
        return fault(request, () => witan.provider.request(request));
      },
    };
    const [signer] = witan.operators;
    const timing = { pollMs: 5, confirmTimeoutMs: 60_000, clock };
    const chain = await createChain({ provider, ...witan.deployment, signer, ...timing });
    onTestFinished(() => chain.close());
    return (name: string) => chain.send(() => chain.contracts.knowledge.anchor(id(name), 1, id("manifest")));
  }

  it("finds by its hash a transaction whose answer was lost", async () => {
    const anchor = await connect(async ({ method }, pass) => {
      const answer = await pass();
      if (method === "eth_sendRawTransaction") throw lost();
      return answer;
    });
    expect((await anchor("answer lost")).logs).toMatchObject([{ name: "Anchored", args: { root: id("answer lost") } }]);
    expect(sent).toHaveLength(1);
  });

  it("sends the same bytes again when the request was lost", async () => {
    const anchor = await connect(async ({ method }, pass) => {
      if (method === "eth_sendRawTransaction" && sent.length < 3) throw lost();
      return pass();
    });
    expect((await anchor("request lost")).logs).toHaveLength(1);
    expect(sent).toHaveLength(3);
    expect(new Set(sent).size).toBe(1);
  });

  it("is not misled by a nonce that this very transaction took, while its lookup is lost too", async () => {
    let lookups = 0;
    const anchor = await connect(async ({ method }, pass) => {
      const answer = await pass();
      if (method === "eth_sendRawTransaction" && sent.length === 1) throw lost();
      if (method === "eth_getTransactionByHash" && lookups++ < 2) throw lost();
      return answer;
    });
    expect((await anchor("both lost")).logs).toHaveLength(1);
    expect(new Set(sent).size).toBe(1);
  });

  it("waits for a node that lags behind the one that mined it, rather than call its own nonce another's", async () => {
    let lookups = 0;
    const anchor = await connect(async ({ method }, pass) => {
      if (method === "eth_getTransactionByHash" && lookups++ < 2) return null;
      if (method !== "eth_sendRawTransaction") return pass();
      if (sent.length > 1) throw new Error("nonce too low");
      await pass();
      throw lost();
    });
    expect((await anchor("lagging")).logs).toHaveLength(1);
    expect(new Set(sent).size).toBe(1);
  });

  it("passes on at once that another took the nonce, where no answer was lost", async () => {
    const anchor = await connect(async ({ method }, pass) => {
      if (method === "eth_sendRawTransaction") throw new Error("nonce too low");
      return pass();
    });
    await expect(anchor("foreign")).rejects.toMatchObject({ kind: "nonce-conflict" });
    expect(sent).toHaveLength(1);
  });

  it("takes a transaction that waits in the pool for sent", async () => {
    const anchor = await connect(async ({ method }, pass) => {
      const answer = await pass();
      if (method === "eth_sendRawTransaction") throw new Error("already known");
      return answer;
    });
    expect((await anchor("known")).logs).toHaveLength(1);
    expect(sent).toHaveLength(1);
  });

  it("gives up when no answer comes in time, and says that the transaction may be mined", async () => {
    const clock = new TestClock();
    const anchor = await connect(async ({ method }, pass) => {
      if (method !== "eth_sendRawTransaction") return pass();
      if (sent.length === 2) clock.pass(60_000);
      clock.stepWall(-3_600_000);
      throw lost();
    }, clock);
    await expect(anchor("never")).rejects.toMatchObject({ kind: "transaction-timeout", retryable: true });
    expect(sent).toHaveLength(2);
  });

  it("passes a refusal on at once", async () => {
    const anchor = await connect(async ({ method }, pass) => {
      if (method === "eth_sendRawTransaction") throw new Error("insufficient funds");
      return pass();
    });
    await expect(anchor("refused")).rejects.toMatchObject({ kind: "insufficient-funds" });
    expect(sent).toHaveLength(1);
  });
});
