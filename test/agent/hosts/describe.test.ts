import { describe, expect, it } from "vitest";
import { describeOwnHost } from "../../../src/agent/hosts/describe.js";
import type { Address } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { useChangingDao } from "../../harness/client/daos.js";
import { frozen, TestClock } from "../../harness/clock.js";

const host = { labels: { zone: "a" }, addresses: ["10.0.0.7:7000"], slots: 2 };
const { signal } = new AbortController();

describe("what an operator has configured of a host", () => {
  const dao = useChangingDao(3);
  const logged: string[] = [];

  const start = (configured = host, client: Partial<ReturnType<typeof dao.client>> = {}) => {
    logged.length = 0;
    return describeOwnHost(
      {
        self: dao.client(1).account as Address,
        host: configured,
        client: { ...dao.client(1), ...client },
        clock: new TestClock(frozen()),
        logger: createLogger("info", (line) => logged.push(JSON.parse(line).message)),
      },
      signal,
    );
  };

  it("is written on chain once, and again when it has changed, and leaves a drained host drained", async () => {
    await start();
    expect(await dao.client().listHosts()).toMatchObject([{ ...host, draining: false }]);
    await start();
    expect(logged).toEqual([]);
    await dao.client(1).describeHost({ host: { ...host, draining: true } });
    await start({ ...host, slots: 4 });
    expect(await dao.client().listHosts()).toMatchObject([{ ...host, slots: 4, draining: true }]);
    expect(logged).toEqual(["the host is described on chain"]);
  });

  it("is written once the chain can be read again", async () => {
    let failures = 0;
    await start(host, {
      listNodes: async (parameters) => {
        failures += 1;
        if (failures < 4) throw new Error("no chain");
        return dao.client(1).listNodes(parameters);
      },
    });
    expect(logged.filter((line) => line === "the host is not described on chain yet")).toHaveLength(3);
    expect(await dao.client().listHosts()).toMatchObject([host]);
  });

  it("is not waited for when the agent stops", async () => {
    const stopping = new AbortController();
    await describeOwnHost(
      {
        self: dao.client(1).account as Address,
        host,
        client: {
          ...dao.client(1),
          async listNodes() {
            stopping.abort();
            throw new Error("no chain");
          },
        },
        clock: new TestClock(frozen()),
        logger: createLogger("silent", () => undefined),
      },
      stopping.signal,
    );
    expect(await dao.client().listHosts()).toEqual([]);
  });
});
