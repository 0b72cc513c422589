import { expect, it } from "vitest";
import { readChainView } from "../../src/agent/chainView.js";
import type { Client, NodeSummary } from "../../src/client/index.js";

type Reader = Parameters<typeof readChainView>[0];

const nodes: NodeSummary[] = [0, 1].map((index) => ({
  index,
  operator: `0x${`a${index}`.repeat(20)}`,
  formerOperators: [],
  agent: `0x${`a${index}`.repeat(20)}`,
  peerId: `peer ${index}`,
  key: "0x",
  admittedAt: 1,
  removedAt: index === 1 ? 3 : null,
  predecessor: null,
  active: index === 0,
}));

/** A chain that notes what it is asked for, and answers when it is told to. */
function chainOf(
  change: Partial<Record<"listProposals" | "listDirectives" | "listNodes" | "now", () => unknown>> = {},
) {
  const asked: [what: string, parameters?: unknown][] = [];
  const answer = (what: keyof typeof change, usual: unknown) => async (parameters?: unknown) => {
    asked.push([what, parameters]);
    return change[what] === undefined ? usual : change[what]();
  };
  const client = {
    listProposals: answer("listProposals", [{ id: "7" }]),
    listDirectives: answer("listDirectives", [{ id: "0x01" }]),
    listNodes: answer("listNodes", nodes),
    chain: {
      now: answer("now", 1_000),
      read: (call: () => unknown) => call(),
      contracts: { nodes: { presence: async () => 0n } },
    },
  } as unknown as Reader & Client;
  return { asked, client };
}

it("reads all that has not ended, and all nodes that ever were, with the committees that they make", async () => {
  const { asked, client } = chainOf();
  const view = await readChainView(client);
  expect(view).toMatchObject({ proposals: [{ id: "7" }], directives: [{ id: "0x01" }], nodes, chainTime: 1_000 });
  expect(view.committees.members).toEqual([nodes[0]]);
  // A node that was removed still counts in the epochs before.
  expect(view.committees.member(1, 2)).toEqual(nodes[1]);

  const parameters = Object.fromEntries(asked) as Record<string, { states: string[]; limit: number }>;
  expect(new Set(parameters.listProposals?.states)).toEqual(new Set(["Pending", "Active", "Succeeded", "Queued"]));
  expect(parameters.listDirectives).toEqual({ statuses: ["Issued"] });
  expect(parameters.listNodes).toEqual({ includeRemoved: true });
});

it("reads so many proposals that those of one node cannot hide older ones", async () => {
  const { asked, client } = chainOf();
  await readChainView(client);
  const [, parameters] = asked.find(([what]) => what === "listProposals") ?? [];
  expect((parameters as { limit: number }).limit).toBeGreaterThanOrEqual(100_000);
});

it("reads everything at once: no answer waits for another", async () => {
  const { promise, resolve } = Promise.withResolvers<[]>();
  const wait = () => promise;
  const { asked, client } = chainOf({ listProposals: wait, listDirectives: wait, listNodes: wait, now: wait });
  const view = readChainView(client);
  expect(asked.map(([what]) => what).sort()).toEqual(["listDirectives", "listNodes", "listProposals", "now"]);
  resolve([]);
  await view;
});

it.each(["listProposals", "listDirectives", "listNodes", "now"] as const)(
  "is no snapshot without what %s tells",
  async (what) => {
    const { client } = chainOf({ [what]: () => Promise.reject(new Error("the line is broken")) });
    await expect(readChainView(client)).rejects.toThrow("the line is broken");
  },
);
