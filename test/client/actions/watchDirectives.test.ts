import { expect, it } from "vitest";
import { watchDirectives } from "../../../src/client/actions/watchDirectives.js";
import { ChainError, type WatchOptions } from "../../../src/ports/chain/index.js";
import { eventOf } from "../../harness/events.js";
import { contextOf } from "../../harness/fakeClient.js";
import { idOf } from "../../records/samples.js";

const directiveId = idOf("directive");
const names = ["DirectiveIssued", "DirectiveReported", "ReportsCounted", "DirectiveEnacted"] as const;

it("says what happened to a directive, in order, and gives each event as a cursor", async () => {
  const events = names.map((name, i) => eventOf(name, { directiveId }, { blockNumber: i + 1 }));
  const asked: WatchOptions[] = [];
  async function* watch(options: WatchOptions) {
    asked.push(options);
    yield* events;
  }
  const { signal } = new AbortController();
  const cursor = { blockNumber: 7, logIndex: 0 };
  const changes = [];
  for await (const each of watchDirectives(contextOf({ chain: { watch } }), { confirmations: 2, cursor, signal })) {
    changes.push(each);
  }
  expect(changes.map(({ change }) => change)).toEqual(["issued", "reported", "reported", "enacted"]);
  expect(changes.map(({ event }) => event)).toEqual(events);
  expect(changes.every((each) => each.directiveId === directiveId)).toBe(true);
  expect(asked).toEqual([{ confirmations: 2, cursor, signal, names: [...names] }]);
});

it("passes over events of other kinds", async () => {
  async function* watch() {
    yield eventOf("EpochOpened", { epoch: 1n });
    yield eventOf("DirectiveIssued", { directiveId });
  }
  const changes: string[] = [];
  for await (const { change } of watchDirectives(contextOf({ chain: { watch } }))) changes.push(change);
  expect(changes).toEqual(["issued"]);
});

it("ends with the chain's error where a reorganisation is too deep to follow", async () => {
  const error = new ChainError("reorg-too-deep", "Too many blocks left the chain.");
  // biome-ignore lint/correctness/useYield: It fails before its first event.
  async function* watch() {
    throw error;
  }
  await expect(watchDirectives(contextOf({ chain: { watch } })).next()).rejects.toBe(error);
});
