import * as dagCbor from "@ipld/dag-cbor";
import { expect, it, vi } from "vitest";
import type { PlacedDirective } from "../../../src/client/index.js";
import { OrderReader } from "../../../src/client/workloads/orders.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import {
  type ContentId,
  contentIdOf,
  encodePayload,
  type Order,
  subjectHash,
  workloadSubject,
} from "../../../src/records/index.js";
import { deploySpec } from "../../harness/workloads.js";
import { idOf } from "../../records/samples.js";

const content = createMemoryContent();
let time = 0;
const reader = () => new OrderReader({ content, clock: { monotonic: () => time } });
const directive = (name: string, payload: ContentId, kind: PlacedDirective["kind"] = "Deploy"): PlacedDirective => ({
  ...{ id: idOf(name), kind, subject: subjectHash("workload/web"), payload, evidence: [], delay: 0, window: 60 },
  ...{ salt: idOf("salt"), base: idOf("base"), issuedAt: 1_000, activeAt: 1_000, deadline: 1_060, epoch: 1 },
  ...{ transactionHash: idOf("tx"), blockNumber: 7 },
});
async function stored(order: Order, subject = "workload/web"): Promise<ContentId> {
  const { bytes, contentId } = encodePayload({ schema: "witan/directive/1", subject, order });
  await content.put(bytes, { codec: "dag-cbor" });
  return contentId;
}

it("reads the order that a directive is about", async () => {
  const order = deploySpec("web", "v1");
  expect(await reader().read(directive("a", await stored(order)))).toEqual({ kind: "order", order });
});

it.each<[string, Order, string, PlacedDirective["kind"]]>([
  ["of another kind", deploySpec("web", "v1"), "workload/web", "Rollback"],
  [
    "of a kind that says nothing about where replicas run",
    { kind: "SetFlag", name: "a", value: true },
    "workload/web",
    "SetFlag",
  ],
  ["about another subject than the directive", deploySpec("api", "v1"), workloadSubject("api"), "Deploy"],
  ["about a subject that is not its workload's", deploySpec("api", "v1"), "workload/web", "Deploy"],
])("takes a payload for invalid that is %s", async (_, order, subject, kind) => {
  expect(await reader().read(directive("a", await stored(order, subject), kind))).toMatchObject({ kind: "invalid" });
});

it("takes bytes that break the schema for invalid, for good", async () => {
  const get = vi.spyOn(content, "get");
  const bytes = dagCbor.encode({ schema: "witan/directive/2" });
  await content.put(bytes, { codec: "dag-cbor" });
  const one = reader();
  for (let i = 0; i < 2; i++)
    expect(await one.read(directive("a", contentIdOf(bytes)))).toMatchObject({ kind: "invalid" });
  expect(get).toHaveBeenCalledTimes(1);
  get.mockRestore();
});

it("asks again for what nobody had, after a pause", async () => {
  const order = deploySpec("web", "late");
  const { contentId } = encodePayload({ schema: "witan/directive/1", subject: "workload/web", order });
  const one = reader();
  const read = () => one.read(directive("a", contentId));
  const missing = await read();
  expect(missing.kind).toBe("missing");
  await stored(order);
  time += 29_999;
  expect(await read()).toEqual(missing);
  time += 1;
  expect(await read()).toEqual({ kind: "order", order });
});
