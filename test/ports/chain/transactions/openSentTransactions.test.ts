import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openSentTransactions } from "../../../../src/ports/chain/transactions/openSentTransactions.js";
import { damages } from "../../../faults/truncated.js";
import { temporaryFolder } from "../../../harness/folder.js";

const version = { hash: "0xaa", raw: "0xbb", max: 9n, tip: 1n } as const;

async function opened(path: string) {
  const found: string[] = [];
  const sent = await openSentTransactions(path, ({ code }) => found.push(code));
  onTestFinished(() => sent.close());
  return { sent, found };
}

it("finds again what was signed", async () => {
  const path = join(temporaryFolder(), "transactions.jsonl");
  const { sent } = await opened(path);
  await sent.addVersion("chain", { nonce: 3, call: "0xcc", gasLimit: 21_000n }, version);
  expect((await opened(path)).sent.list("chain")).toEqual(sent.list("chain"));
});

it.each(damages)("opens after $name, and says what cannot be read: the node votes all the same", async ({ of }) => {
  const path = join(temporaryFolder(), "transactions.jsonl");
  const { sent } = await opened(path);
  for (const nonce of [1, 2, 3]) await sent.addVersion("chain", { nonce, call: "0xcc", gasLimit: 21_000n }, version);
  const damaged = of(await readFile(path));
  await writeFile(path, damaged);
  const after = await opened(path);
  expect(after.found).toEqual(["journal-corrupt"]);
  expect(Buffer.from(damaged).equals(await readFile(`${path}.damaged`))).toBe(true);
  await after.sent.addVersion("chain", { nonce: 9, call: "0xcc", gasLimit: 21_000n }, version);
  expect((await opened(path)).sent.get("chain", 9)).toBeDefined();
});

it("takes no line of another kind for a transaction", async () => {
  const path = join(temporaryFolder(), "transactions.jsonl");
  await writeFile(path, '{}\n{"type":"signed","scope":"chain","nonce":1,"gasLimit":"1e3"}\n');
  const { found, sent } = await opened(path);
  expect([found, sent.list("chain")]).toEqual([["journal-corrupt"], []]);
});
