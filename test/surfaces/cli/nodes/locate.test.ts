import { expect, it, onTestFinished } from "vitest";
import { createLocator } from "../../../../src/surfaces/cli/nodes/locate.js";
import { serveHttp } from "../../../../src/surfaces/http/server.js";

const ID = `0x${"12".repeat(32)}` as const;

/** A node whose catalog answers every query with `body`. */
async function nodeThatAnswers(body: unknown, status = 200): Promise<{ url: string; queries: string[] }> {
  const queries: string[] = [];
  const server = await serveHttp("127.0.0.1", 0, {
    status: async () => ({}),
    ballots: () => ({}),
    block: async () => ({ status: 404, headers: {}, body: new Uint8Array() }),
    payload: async () => "",
    document: async () => "",
    catalog: (pathname, parameters) => {
      queries.push(`${pathname}?${parameters}`);
      return Promise.resolve({ status, body });
    },
  });
  onTestFinished(() => server.close());
  return { url: server.url, queries };
}

const anchoredAt = (...blocks: number[]) => ({ records: blocks.map((blockNumber) => ({ anchor: { blockNumber } })) });

it("gives each block once, from all nodes that answer", async () => {
  const [one, two] = [await nodeThatAnswers(anchoredAt(7, 9)), await nodeThatAnswers(anchoredAt(9, 11))];
  expect(await createLocator([one.url, two.url])(ID)).toEqual([7, 9, 11]);
  expect(one.queries).toEqual([`/records?contentId=${ID}&limit=4`]);
});

it("skips nodes without a catalog, wrong answers and nodes that are away", async () => {
  const none = await nodeThatAnswers({ error: "this node keeps no catalog" }, 501);
  const wrong = await nodeThatAnswers(anchoredAt(-1));
  expect(await createLocator([none.url, wrong.url, "http://127.0.0.1:9"])(ID)).toEqual([]);
  expect(await createLocator([])(ID)).toEqual([]);
});

it("asks the first three nodes only", async () => {
  const nodes = await Promise.all([1, 2, 3, 4].map((block) => nodeThatAnswers(anchoredAt(block))));
  expect(await createLocator(nodes.map(({ url }) => url))(ID)).toEqual([1, 2, 3]);
  expect(nodes[3]?.queries).toEqual([]);
});
