import { describe, expect, it } from "vitest";
import { createClientContext } from "../../src/client/client.js";
import type { IssuedDirective } from "../../src/client/directives/directive.js";
import { ProposalStates } from "../../src/client/proposals/proposal.js";
import { createMemoryContent } from "../../src/ports/content/index.js";
import { systemClock } from "../../src/utils/clock.js";
import { frozen } from "../harness/clock.js";
import { eventOf } from "../harness/events.js";
import { chainOf, noting } from "../harness/fakeClient.js";
import { NODE } from "../records/samples.js";

/** Blocks after which an end that was seen is taken as final. */
const FINAL = 1_000;
const content = createMemoryContent();
const contextWith = (parts: object = {}) =>
  createClientContext({ chain: chainOf({ account: NODE }), content, ...parts });

it("acts for the chain's account, and goes by the system's clock unless it is given another", () => {
  expect(contextWith()).toMatchObject({ account: NODE, clock: systemClock, locate: undefined });
  const clock = frozen();
  expect(contextWith({ clock }).clock).toBe(clock);
});

it("reads nothing before it is asked", () => {
  const calls: unknown[][] = [];
  const [events, blockNumber] = [noting(calls, []), noting(calls, 1)];
  createClientContext({ chain: chainOf({ events, blockNumber }), content });
  expect(calls).toEqual([]);
});

describe("what has ended", () => {
  const event = eventOf("ProposalCreated", {});

  it.each(ProposalStates)("is read again unless its state is final: %s", async (state) => {
    const { proposalStates } = contextWith();
    const reads: unknown[][] = [];
    const read = (head: number) => proposalStates.read(event, head, noting(reads, state));
    for (const head of [1, 1 + FINAL, 2 + FINAL, 3 + FINAL]) expect(await read(head)).toBe(state);
    const isFinal = ["Canceled", "Defeated", "Expired", "Executed"].includes(state);
    expect(reads).toHaveLength(isFinal ? 2 : 4);
  });

  it.each([
    ["Issued", 3],
    ["Done", 2],
    ["Failed", 2],
    ["Lapsed", 2],
  ] as const)("is a directive that is %s after %d reads of three", async (status, expected) => {
    const { endedDirectives } = contextWith();
    const reads: unknown[][] = [];
    const directive = { status } as IssuedDirective;
    for (const head of [1, 1 + FINAL, 2 + FINAL]) await endedDirectives.read(event, head, noting(reads, directive));
    expect(reads).toHaveLength(expected);
  });
});
