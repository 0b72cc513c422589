import { expect, it } from "vitest";
import { listModels } from "../../../src/client/actions/listModels.js";
import { encodeName, NO_CONTENT } from "../../../src/ports/chain/index.js";
import { eventOf } from "../../harness/events.js";
import { cacheOf, contextOf } from "../../harness/fakeClient.js";
import { idOf } from "../../records/samples.js";

/** The n-th acceptance: of the model `a` where it is odd, of `b` where it is even. */
function accepted(n: number) {
  const name = encodeName(n % 2 === 1 ? "a" : "b");
  const parent = n <= 2 ? NO_CONTENT : idOf(`model ${n - 2}`);
  const args = { name, model: idOf(`model ${n}`), parent, round: BigInt(n), version: BigInt(Math.ceil(n / 2)) };
  return eventOf("ModelAccepted", args, { blockNumber: n });
}
const client = contextOf({ models: cacheOf(...Array.from({ length: 60 }, (_, i) => accepted(i + 1))) });

it("lists the newest first, fifty unless more or fewer are asked for", async () => {
  const listed = await listModels(client);
  expect(listed.map(({ blockNumber }) => blockNumber)).toEqual(Array.from({ length: 50 }, (_, i) => 60 - i));
  expect(await listModels(client, { limit: 2 })).toHaveLength(2);
  expect(await listModels(client, { limit: 100 })).toHaveLength(60);
});

it("limits what is left of one name, not what is read", async () => {
  const listed = await listModels(client, { name: "a", limit: 40 });
  expect(listed).toHaveLength(30);
  expect(listed.every(({ name }) => name === "a")).toBe(true);
  expect(await listModels(client, { name: "c" })).toEqual([]);
});

it("tells the model before each, and null before the first", async () => {
  const listed = await listModels(client, { name: "a", limit: 100 });
  expect(listed.at(-1)).toMatchObject({ parent: null, version: 1, round: 1, model: idOf("model 1") });
  expect(listed.at(-2)).toMatchObject({ parent: idOf("model 1"), version: 2, round: 3 });
});

it("ends with the reason of a signal that has aborted", async () => {
  await expect(listModels(client, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
});
