import fc from "fast-check";
import { expect, it } from "vitest";
import { createPlacementReader, type PlacedFleet } from "../../../src/client/index.js";
import { placeAlong } from "../../../src/policy/placement/index.js";
import type { Address, Hex } from "../../../src/records/index.js";
import { useTestDao } from "../../harness/dao.js";
import { suspendSeats } from "../../harness/suspend.js";
import { deploySpec, enact, issueOrder, releaseNamed } from "../../harness/workloads.js";

/*
 * Random histories on a real chain. Readers that fold them in different steps, or at once, must say the same of every block; what they
 * say of hosts must be what the client says, and their seats those of all views in a row.
 */

const HISTORIES = 6;
const NODES = 5;
const dao = useTestDao({ nodes: NODES });

const node = fc.nat(NODES - 1);
const workload = fc.constantFrom("web", "api");
const release = fc.constantFrom("v1", "v2", "v3");
const step = fc.oneof(
  fc.record({
    kind: fc.constant("describe" as const),
    node,
    slots: fc.nat(4),
    zone: fc.constantFrom("a", "b"),
    draining: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("withdraw" as const), node }),
  fc.record({ kind: fc.constant("suspend" as const), node }),
  fc.record({ kind: fc.constant("return" as const), node }),
  fc.record({
    kind: fc.constant("deploy" as const),
    workload,
    release,
    replicas: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant("all" as const)),
    spread: fc.constantFrom("zone", null),
    exclusive: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("scale" as const), workload, replicas: fc.nat(6) }),
  fc.record({ kind: fc.constant("rollback" as const), workload, release }),
  fc.record({ kind: fc.constant("enact" as const), result: fc.constantFrom("done" as const, "failed" as const) }),
  fc.record({ kind: fc.constant("wait" as const) }),
);
const history = fc.array(fc.tuple(step, fc.boolean()), { minLength: 10, maxLength: 25 });

let open: Hex[] = [];

type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

async function take(each: Step): Promise<void> {
  switch (each.kind) {
    case "describe": {
      const { draining, slots, zone } = each;
      return void (await dao
        .client(each.node)
        .describeHost({ host: { labels: { zone }, addresses: [], slots, draining } }));
    }
    case "withdraw":
      return void (await dao.client(each.node).describeHost({ host: null }));
    case "suspend":
      return suspendSeats(dao, each.node);
    case "return":
      return void (await dao.client(each.node).returnToCommittee());
    case "deploy": {
      const { exclusive, replicas, spread } = each;
      open.push(await issueOrder(dao, deploySpec(each.workload, each.release, { exclusive, replicas, spread })));
      return;
    }
    case "scale":
      open.push(await issueOrder(dao, { kind: "Scale", workload: each.workload, replicas: each.replicas }));
      return;
    case "rollback": {
      const from = releaseNamed(each.release).sha256;
      open.push(await issueOrder(dao, { kind: "Rollback", workload: each.workload, from, to: null }));
      return;
    }
    case "enact": {
      const directive = open.pop();
      return directive === undefined ? undefined : enact(dao, directive, each.result);
    }
    case "wait":
      return dao.witan.mine(2);
  }
}

const reader = () => createPlacementReader({ chain: dao.client().chain, content: dao.content });

it("gives all readers the same fleet at every block, in whatever steps they read", async () => {
  let moved = 0;
  let planned = 0;
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      open = [];
      const revert = await dao.witan.snapshot();
      const first = await dao.client().chain.blockNumber();
      const stepwise = reader();
      for (const client of dao.clients.slice(0, 3))
        await client.describeHost({ host: { labels: { zone: "a" }, addresses: [], slots: 3, draining: false } });
      const seen = new Map<number, PlacedFleet>();
      for (const [each, reads] of steps) {
        // What the contracts refuse, such as the return of a node that is not suspended, changes nothing.
        await take(each).catch(() => undefined);
        const head = await dao.client().chain.blockNumber();
        if (reads) seen.set(head, await stepwise.at(head));
      }
      const head = await dao.client().chain.blockNumber();
      seen.set(head, await stepwise.at(head));

      const everyBlock = reader();
      const views = [];
      for (let block = first; block <= head; block++) {
        const fleet = await everyBlock.at(block);
        const known = seen.get(block);
        if (known !== undefined) expect(known).toEqual(fleet);
        expect(fleet.incomplete).toBeUndefined();
        const listed = await dao.client().listHosts({ block });
        const described = fleet.view.hosts.map(({ present: _, ...host }) => host);
        expect(described).toEqual(
          listed.map(({ draining, labels, operator: name, slots }) => ({ draining, labels, name, slots })),
        );
        // Blocks in which nothing changed give the same seats: they may be views, or not.
        views.push(fleet.view);
        expect(fleet.placement).toEqual(placeAlong(views));
        const seats = [...fleet.placement.seats.values()];
        moved += seats.filter(({ leftAt, since }) => leftAt !== undefined && since === fleet.blockTime).length;
        planned += [...fleet.workloads.values()].filter(({ rollout }) => rollout?.plan.plan !== undefined).length;
      }
      expect(await reader().at(head)).toEqual(seen.get(head));
      const nodes = await dao.client().listNodes();
      const away = new Set<Address>(nodes.filter(({ suspended }) => suspended).map(({ operator }) => operator));
      for (const { name, present } of seen.get(head)?.view.hosts ?? [])
        expect(present).toBe(!away.has(name as Address));
      await revert({ nonces: true });
    }),
    { numRuns: HISTORIES },
  );
  // The histories are such that something happens in them.
  expect(planned).toBeGreaterThan(0);
  expect(moved).toBeGreaterThan(0);
});
