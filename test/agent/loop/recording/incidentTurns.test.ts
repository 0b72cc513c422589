import { describe, expect, it } from "vitest";
import { leaderOrder } from "../../../../src/agent/aggregation/leaders/leaderSchedule.js";
import { AgentDefaults } from "../../../../src/agent/defaults.js";
import { IncidentTurns } from "../../../../src/agent/loop/recording/incidentTurns.js";
import type { Client } from "../../../../src/client/index.js";
import { ContentError } from "../../../../src/ports/content/index.js";
import type { Address, ContentId } from "../../../../src/records/index.js";
import { frozen, TestClock } from "../../../harness/clock.js";
import { address, idOf, incident } from "../../../records/samples.js";

const TAKEOVER_MS = 15_000;
const NODES = Array.from({ length: 8 }, (_, i) => address(`0x${`${i + 1}${i + 1}`.repeat(20)}`));
const contentId = idOf("incident");
/** The nodes in the order in which they anchor the incident. */
const order = leaderOrder(contentId, NODES) as Address[];

/** The turns of all nodes, which see the same chain; `anchored` by some of them. */
function turnsOf(hosts: Readonly<Record<string, readonly Address[]>> = {}) {
  const clock = new TestClock(frozen());
  const anchors: { author: Address; contentId: ContentId; isLost?: boolean }[] = [];
  const suspended = new Set<Address>();
  const client = {
    listNodes: async () =>
      NODES.map((agent, index) => ({ agent, operator: agent, index, suspended: suspended.has(agent) })),
    listAnchors: async () => ({ entries: anchors, unread: [], since: 0 }),
    fetchLeaves: async ({ anchor }: { anchor: (typeof anchors)[number] }) => {
      if (anchor.isLost) throw new ContentError("missing", "No node has it.");
      return [{ contentId: anchor.contentId }];
    },
  } as unknown as Client;
  const turns = order.map((self) => new IncidentTurns({ self, clock, client, takeoverMs: TAKEOVER_MS, hosts }));
  const ask = (seenBy: "members" | "machine", subject = "replica/web/3") =>
    Promise.all(turns.map((each) => each.of(contentId, { ...incident, subject }, seenBy)));
  return { anchors, ask, clock, suspended };
}

const later = (count: number) => Array(count).fill("later");

describe("an incident that every member sees", () => {
  it("is anchored by one node after the other until it is on chain, and then by nobody", async () => {
    const { anchors, ask, clock } = turnsOf();
    expect(await ask("members")).toEqual(["own", ...later(7)]);
    clock.pass(TAKEOVER_MS);
    expect(await ask("members")).toEqual(["own", "own", ...later(6)]);
    // A manifest that is out of reach tells nothing.
    anchors.push({ author: order[0] as Address, contentId, isLost: true });
    expect((await ask("members")).slice(1)).toEqual(["own", ...later(6)]);
    anchors.push({ author: order[1] as Address, contentId });
    // The author itself asks its outbox first; here it has none.
    expect((await ask("members")).toSpliced(1, 1)).toEqual(Array(7).fill("anchored"));
  });
});

describe("an incident about a node", () => {
  it("waits neither for that node nor for one that is suspended", async () => {
    const { ask, suspended } = turnsOf();
    suspended.add(order[1] as Address);
    const accused = `node/${NODES.indexOf(order[0] as Address)}`;
    expect((await ask("members", accused)).slice(2)).toEqual(["own", ...later(5)]);
  });
});

describe("an incident of a replica, which the nodes of a machine see", () => {
  it("is left to another for a moment and no longer, since nobody knows who sees it", async () => {
    const { ask, clock } = turnsOf();
    expect(await ask("machine")).toEqual(["own", ...later(7)]);
    clock.pass(3 * AgentDefaults.openStepMs);
    expect(await ask("machine")).toEqual(Array(8).fill("own"));
  });

  it("is anchored at once by each host whose word others wait for", async () => {
    const named = order.slice(5, 7);
    const { anchors, ask } = turnsOf({ web: named });
    anchors.push({ author: order[0] as Address, contentId });
    const turns = await ask("machine");
    expect(turns.slice(5, 7)).toEqual(["own", "own"]);
    expect(turns.toSpliced(5, 2).slice(1)).toEqual(Array(5).fill("anchored"));
    expect((await turnsOf({ web: named }).ask("machine", "workload/web")).slice(5, 7)).toEqual(["own", "own"]);
  });
});
