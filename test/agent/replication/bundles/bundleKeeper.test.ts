import { expect, it } from "vitest";
import { BundleKeeper, type BundleKeeperDependencies } from "../../../../src/agent/replication/bundles/bundleKeeper.js";
import type { IssuedDirective } from "../../../../src/client/index.js";
import { ContentError } from "../../../../src/ports/content/index.js";
import type { Address, ContentId, DirectivePayload, Order, Release } from "../../../../src/records/index.js";
import { systemClock } from "../../../../src/utils/clock.js";
import { createLogger } from "../../../../src/utils/logger.js";
import { bundleOf, releaseOfBundle } from "../../../engines/fleet/drivers/process/releases/bundles.js";
import { patience } from "../../../harness/patience.js";
import { startNode } from "../../../ports/content/contentNodes.js";
import { readTree, source } from "../../../ports/content/unixfs/tree.js";

const accounts = Array.from({ length: 5 }, (_, i): Address => `0x${String(i + 1).repeat(40)}`);
const { signal } = new AbortController();

/** What the chain says: Deploys of these releases, the oldest first. */
function ordering(
  orders: { readonly release: Release; readonly status: IssuedDirective["status"]; unreadable?: boolean }[],
) {
  const idOf = (index: number): ContentId => `0x${String(index).padStart(64, "0")}`;
  const client: BundleKeeperDependencies["client"] = {
    listDirectives: async () =>
      orders.map(({ status }, i) => ({ kind: "Deploy", status, payload: idOf(i) }) as IssuedDirective).reverse(),
    async fetchPayload({ contentId }) {
      const found = orders[Number(contentId)];
      if (found === undefined || found.unreadable) throw new ContentError("missing", "It is gone.");
      const order: Order = { kind: "Deploy", workload: "web", release: found.release, batch: 1 };
      return { schema: "witan/directive/1", subject: "workload/web", order } satisfies DirectivePayload;
    },
  };
  return client;
}

function keeping(
  content: BundleKeeperDependencies["content"],
  client: BundleKeeperDependencies["client"],
  change: Partial<BundleKeeperDependencies> = {},
) {
  return new BundleKeeper({
    ...{ client, content, self: accounts[0] ?? "0x", workloads: new Set<string>(), clock: systemClock, everyMs: 1_000 },
    terms: () => ({ present: accounts, replicas: 5 }),
    hasRoom: () => true,
    logger: createLogger("silent", () => undefined),
    ...change,
  });
}

it("fetches a bundle from its publisher, serves it when that is gone, and unpins it once nothing needs it", async () => {
  const publisher = await startNode();
  const bundle = await bundleOf(publisher, [source("server.mjs", "serve();"), source("lib/a", "a")]);
  const release = releaseOfBundle("v1", bundle);
  const node = await startNode({ peers: publisher.multiaddrs() });
  await expect.poll(() => node.connections(), patience).toBe(1);
  const orders = [{ release, status: "Issued" as IssuedDirective["status"], unreadable: false }];
  const keeper = keeping(node, ordering(orders));
  const pin = () => node.pins.get(`bundle/${bundle.cid}`);
  // Again where a busy machine was late.
  const held = async () => {
    await keeper.tick(signal);
    return pin();
  };
  await expect.poll(held, patience).toBeDefined();
  await publisher.close();
  await node.gc({ graceMs: 0 });
  const host = await startNode({ peers: node.multiaddrs() });
  const read = () => readTree(host.openTree(bundle.cid)).catch((error: unknown) => error);
  await expect.poll(read, patience).toEqual(
    new Map([
      ["lib/a", "a"],
      ["server.mjs", "serve();"],
    ]),
  );

  // Others were done since: the order ended, and is none of the last good ones. Who cannot read an order unpins nothing.
  const later = [2, 3, 4, 5, 6].map((n) => ({
    release: { ...release, name: `v${n}`, sha256: `0x${String(n).repeat(64)}` as const, signed: undefined },
    status: "Done" as const,
  }));
  const [first] = orders;
  const withLater = (unreadable: boolean) =>
    keeping(node, ordering([{ release, status: "Failed", unreadable }, ...later])).tick(signal);
  expect(first).toBeDefined();
  await withLater(true);
  expect(await pin()).toBeDefined();
  await withLater(false);
  expect(await pin()).toBeUndefined();
});

it("holds what it hosts, of the rest only its share, and nothing without room", async () => {
  const node = await startNode();
  const bundle = await bundleOf(node, [source("server.mjs")]);
  const client = ordering([{ release: releaseOfBundle("v1", bundle), status: "Done" }]);
  const none = { terms: () => ({ present: accounts, replicas: 0 }) };
  const holds = async (change: Partial<BundleKeeperDependencies>) => {
    await node.pins.drop(`bundle/${bundle.cid}`);
    await keeping(node, client, change).tick(signal);
    return (await node.pins.get(`bundle/${bundle.cid}`)) !== undefined;
  };
  expect(await holds(none)).toBe(false);
  expect(await holds({ ...none, workloads: new Set(["web"]) })).toBe(true);
  expect(await holds({})).toBe(true);
  expect(await holds({ hasRoom: () => false })).toBe(false);
  const two = await Promise.all(
    accounts.map((self) => async () => holds({ self, terms: () => ({ present: accounts, replicas: 2 }) })),
  );
  let holders = 0;
  for (const hold of two) if (await hold()) holders += 1;
  expect(holders).toBe(2);
});

it("pins nothing that it cannot have whole", async () => {
  const node = await startNode();
  const publisher = await startNode();
  const bundle = await bundleOf(publisher, [source("server.mjs")]);
  const client = ordering([{ release: releaseOfBundle("v1", bundle), status: "Issued" }]);
  await keeping(node, client).tick(signal);
  expect(await node.pins.get(`bundle/${bundle.cid}`)).toBeUndefined();
});
