import { beforeEach, describe, expect, it } from "vitest";
import type { Database } from "../../../src/catalog/database/database.js";
import { CatalogError } from "../../../src/catalog/errors.js";
import type { CatalogRecord, RecordFilter } from "../../../src/catalog/queries/query.js";
import { type CatalogChange, ChangeHub } from "../../../src/catalog/sync/watch.js";
import { anchorOf, openRows, reportOf, writeAnchors } from "../../harness/catalogRows.js";

/** Records are found by their positions: the kind of even ones is State, that of odd ones Incident. */
const find = ({ kind }: RecordFilter, position: number) => {
  const own = position % 2 === 0 ? "State" : "Incident";
  return kind === undefined || kind === own ? ({ kind: own, cursor: `${position}` } as CatalogRecord) : undefined;
};
const verified = (...positions: number[]) => positions.map((position) => ({ type: "verified" as const, position }));

let hub: ChangeHub;
let closed: AbortController;
let stopped: AbortController;
beforeEach(() => {
  hub = new ChangeHub(find);
  [closed, stopped] = [new AbortController(), new AbortController()];
});
const watch = (filter: RecordFilter = {}) => hub.watch(filter, stopped.signal, closed.signal);
/** Its next change. It watches from the moment of its first call on. */
const next = async (changes: AsyncGenerator<CatalogChange, void>) => {
  const { done, value } = await changes.next();
  return done || value === undefined ? undefined : `${value.type} ${value.record.cursor}`;
};

describe("a watcher", () => {
  it("gets changes in order, those that wait as well as those that come later", async () => {
    const changes = watch();
    const first = next(changes);
    hub.publish(verified(1, 2));
    hub.publish([{ type: "listed", position: 3 }]);
    expect([await first, await next(changes), await next(changes)]).toEqual(["verified 1", "verified 2", "listed 3"]);
    const later = next(changes);
    hub.publish([{ type: "invalid", position: 4 }]);
    expect(await later).toBe("invalid 4");
  });

  it("gets what its filter lets through, beside others that ask for more", async () => {
    const [all, states] = [watch(), watch({ kind: "State" })];
    const firsts = [next(all), next(states)];
    hub.publish(verified(1, 2));
    expect(await Promise.all(firsts)).toEqual(["verified 1", "verified 2"]);
  });

  it("gets nothing of what happened before it asked", async () => {
    hub.publish(verified(1));
    const changes = watch();
    const first = next(changes);
    hub.publish(verified(2));
    expect(await first).toBe("verified 2");
  });

  it.each(["its own signal", "the catalog's close"])("ends with %s, also while it waits", async (which) => {
    const changes = watch();
    const first = next(changes);
    (which === "its own signal" ? stopped : closed).abort();
    expect(await first).toBeUndefined();
    expect(await next(watch())).toBeUndefined();
  });

  it("is told to begin anew where it falls ten thousand changes behind, rather than given a gap", async () => {
    const changes = watch();
    const first = next(changes);
    hub.publish(verified(0));
    await first;
    hub.publish(verified(...Array(10_000).keys()));
    hub.publish(verified(7));
    let received = 0;
    const read = async () => {
      for await (const _change of changes) received += 1;
    };
    const failure = await read().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CatalogError);
    expect(failure).toMatchObject({ kind: "overrun", retryable: true });
    expect(received).toBe(0);
  });

  it("costs nothing once it has stopped reading", async () => {
    const looked: number[] = [];
    hub = new ChangeHub((filter, position) => {
      looked.push(position);
      return find(filter, position);
    });
    const changes = watch();
    const first = next(changes);
    hub.publish(verified(1));
    await first;
    await changes.return(undefined);
    hub.publish(verified(2));
    expect(looked).toEqual([1]);
  });
});

describe("what a rollback takes back", () => {
  let db: Database;
  let positions: number[];
  beforeEach(async () => {
    db = await openRows();
    writeAnchors(db, [anchorOf(1, [reportOf("a"), reportOf("b")]), anchorOf(2, [reportOf("c"), reportOf("d")])]);
    positions = db
      .all<{ position: number }>("SELECT position FROM records ORDER BY position")
      .map((row) => row.position);
  });

  it("is sent after it, as it stood before, the newest first", async () => {
    const changes = watch();
    const first = next(changes);
    const [, second = 0, third, fourth] = positions;
    const send = hub.retract(db, second);
    db.run("DELETE FROM records");
    send();
    expect([await first, await next(changes), await next(changes)]).toEqual(
      [fourth, third, second].map((position) => `retracted ${position}`),
    );
  });

  it("is not composed where nobody watches", () => {
    const unread = { ...db, all: () => expect.unreachable() } as Database;
    expect(() => hub.retract(unread, 0)()).not.toThrow();
  });
});
