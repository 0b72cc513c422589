import { expect, it } from "vitest";
import { sendTransaction } from "../../../src/client/transactions/sendTransaction.js";
import { contextOf, revertOf } from "../../harness/fakeClient.js";

const receipt = { hash: "0x01", blockNumber: 1, gasUsed: 1n, logs: [] };
/** Counts transactions; the chain sends each once `open` has resolved. */
function setting(open: Promise<unknown> = Promise.resolve()) {
  const sent: string[] = [];
  const send = async (transact: () => Promise<unknown>) => {
    await open;
    await transact();
    return receipt;
  };
  const transact = async () => sent.push("transaction") as never;
  return { sent, transact, client: contextOf({ chain: { send } }) };
}

it("sends once and gives the receipt", async () => {
  const { client, sent, transact } = setting();
  expect(await sendTransaction(client, transact, undefined)).toBe(receipt);
  expect(sent).toHaveLength(1);
});

it("sends nothing for a client without an account", async () => {
  const { client, sent, transact } = setting();
  const reader = { ...client, account: undefined };
  await expect(sendTransaction(reader, transact, undefined)).rejects.toMatchObject({ code: "read-only" });
  expect(sent).toEqual([]);
});

it("sends nothing once its signal has aborted", async () => {
  const { client, sent, transact } = setting();
  const reason = new Error("no longer wanted");
  await expect(sendTransaction(client, transact, AbortSignal.abort(reason))).rejects.toBe(reason);
  expect(sent).toEqual([]);
});

it("ends the wait at once, and does not send what has waited for its turn", async () => {
  const turn = Promise.withResolvers<void>();
  const { client, sent, transact } = setting(turn.promise);
  const controller = new AbortController();
  const waiting = sendTransaction(client, transact, controller.signal);
  controller.abort(new Error("no longer wanted"));
  await expect(waiting).rejects.toThrow("no longer wanted");
  turn.resolve();
  // The queue comes to it, and passes it over.
  await turn.promise;
  await Promise.resolve();
  expect(sent).toEqual([]);
});

it("passes on why a contract refuses", async () => {
  const refusal = revertOf("GovernorNotMember");
  const client = contextOf({ chain: { send: () => Promise.reject(refusal) } });
  await expect(sendTransaction(client, async () => ({}) as never, undefined)).rejects.toBe(refusal);
});
