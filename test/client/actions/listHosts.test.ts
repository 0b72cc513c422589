import { describe, expect, it } from "vitest";
import type { Address } from "../../../src/records/index.js";
import { useChangingDao } from "../../harness/client/daos.js";
import { ban } from "../../harness/client/directives.js";

const small = { labels: { zone: "a" }, addresses: ["10.0.0.7:7000"], slots: 2, draining: false };
const large = { labels: { zone: "b", disk: "ssd" }, addresses: ["[2001:db8::7]:7000"], slots: 8, draining: true };

describe("the hosts", () => {
  const dao = useChangingDao(5);

  it("are what their nodes say of them, the newest of each, in the order of the nodes", async () => {
    await dao.client(2).describeHost({ host: large });
    await dao.client(0).describeHost({ host: small });
    const before = await dao.client(4).chain.blockNumber();
    await dao.client(0).describeHost({ host: large });
    const reader = dao.client(4);
    const [first, second] = await reader.listHosts();
    const operators = (await reader.listNodes()).map(({ operator }) => operator);
    expect(first).toMatchObject({ ...large, operator: operators[0] });
    expect(second).toMatchObject({ ...large, operator: operators[2] });
    expect(first?.id).toBe(await reader.chain.contracts.hosts.descriptorOf(operators[0] as Address));
    // As it stood when a directive was issued.
    expect(await reader.listHosts({ block: before })).toMatchObject([small, large]);
    // What is read once is not read again.
    expect(await reader.listHosts()).toEqual([first, second]);
  });

  it("do not include one that withdrew, nor one that says nothing that makes sense", async () => {
    const { contracts } = dao.client(1).chain;
    await dao.client(1).chain.send(() => contracts.hosts.describe("0xff00"));
    expect(await dao.client(4).listHosts()).toEqual([]);
    await dao.client(1).describeHost({ host: small });
    expect(await dao.client(4).listHosts()).toMatchObject([small]);
    await dao.client(1).describeHost({ host: null });
    expect(await dao.client(4).listHosts()).toEqual([]);
  });

  it("do not include that of a node that was removed", async () => {
    await dao.client(3).describeHost({ host: small });
    const removed = (await dao.client(4).listNodes())[3]?.operator as Address;
    expect(await dao.client(4).listHosts()).toMatchObject([{ operator: removed }]);
    await ban(dao, 3);
    expect(await dao.client(4).listHosts()).toEqual([]);
    await expect(dao.client(3).describeHost({ host: large })).rejects.toMatchObject({
      errorName: "HostRegistryNotMember",
    });
  });
});
