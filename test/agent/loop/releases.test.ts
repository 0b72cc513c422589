import { describe, expect, it } from "vitest";
import { readWorkloadReleases, resolvedBy } from "../../../src/agent/loop/releases.js";
import type { Client, DirectiveStatus, IssuedDirective } from "../../../src/client/index.js";
import { ContentError } from "../../../src/ports/content/index.js";
import { type ContentId, type Hex, type Order, type Release, subjectHash } from "../../../src/records/index.js";

const hash = (digit: string): Hex => `0x${digit.repeat(64)}`;
const releaseOf = (digit: string): Release => ({ name: `v${digit}`, command: ["node", "a.mjs"], sha256: hash(digit) });
const [one, two, three] = ["1", "2", "3"].map(releaseOf) as [Release, Release, Release];
const signal = new AbortController().signal;

interface Entry {
  readonly order: Order;
  readonly status?: DirectiveStatus;
  readonly subject?: string;
  readonly evidence?: readonly ContentId[];
  readonly isLost?: boolean;
}

/** A client whose chain has issued these orders, the oldest first. */
function clientOf(...entries: Entry[]): Pick<Client, "fetchPayload" | "listDirectives"> {
  const directives = entries.map(({ evidence = [], order, status = "Done", subject = "workload/web" }, index) => ({
    ...{ kind: order.kind, subject: subjectHash(subject), status, evidence, blockNumber: index },
    payload: hash(String(index)),
  }));
  return {
    listDirectives: async ({ statuses, fromBlock = 0 }: Parameters<Client["listDirectives"]>[0] = {}) =>
      directives
        .filter(({ status, blockNumber }) => (statuses?.includes(status) ?? true) && blockNumber >= fromBlock)
        .reverse() as unknown as IssuedDirective[],
    fetchPayload: async ({ contentId }: Parameters<Client["fetchPayload"]>[0]) => {
      const { order, isLost, subject = "workload/web" } = entries[Number(contentId.slice(-1))] as Entry;
      if (isLost) throw new ContentError("missing", "nobody has it");
      return { schema: "witan/directive/1", subject, order };
    },
  };
}

const deploy = (release: Release): Order => ({ kind: "Deploy", workload: "web", release, batch: 1 });
const rollback = (from: Release, to: Release | null = null): Order => ({
  ...{ kind: "Rollback", workload: "web", to },
  from: from.sha256,
});
const read = (...entries: Entry[]) => readWorkloadReleases(clientOf(...entries), "web", signal);

describe("what chain and content say of a workload's releases", () => {
  it("is what was last done, beside what was ordered last", async () => {
    expect(await read({ order: deploy(one) })).toEqual({ running: one.sha256, good: [one] });
    expect(await read({ order: deploy(one) }, { order: deploy(two), status: "Failed" })).toEqual({
      running: two.sha256,
      good: [one],
    });
    expect(await read({ order: deploy(one) }, { order: deploy(two) }, { order: deploy(one) })).toEqual({
      running: one.sha256,
      good: [two, one],
    });
  });

  it("forgets a release that was left", async () => {
    const left = [{ order: deploy(one) }, { order: deploy(two) }, { order: rollback(two) }];
    expect(await read(...left)).toEqual({ running: one.sha256, good: [one] });
    expect(await read(...left, { order: rollback(one, three) })).toEqual({ running: three.sha256, good: [three] });
  });

  it("is nothing where no order on this workload can be read, and begins where they can", async () => {
    expect(await read()).toBeUndefined();
    expect(await read({ order: deploy(one), subject: "workload/api" })).toBeUndefined();
    expect(await read({ order: deploy(one), isLost: true }, { order: deploy(two) })).toEqual({
      running: two.sha256,
      good: [two],
    });
  });
});

describe("what an order has resolved", () => {
  const [first, second] = [hash("a"), hash("b")];

  it("is what a directive that is done cites, on this subject, since the evidence was anchored", async () => {
    const client = clientOf(
      { order: rollback(one), evidence: [first] },
      { order: rollback(two), evidence: [second], status: "Failed" },
      { order: rollback(two), evidence: [second], subject: "workload/api" },
    );
    expect([...(await resolvedBy(client, "workload/web", 0))]).toEqual([first]);
    expect([...(await resolvedBy(client, "workload/web", 1))]).toEqual([]);
  });
});
