import { expect, it } from "vitest";
import { type SubmitAggregateParameters, submitAggregate } from "../../../src/agent/aggregation/settler.js";

const refusal = new Error("refused");

/** A submission that is refused so many times. */
function refusedTimes(times: number, change: Partial<SubmitAggregateParameters<number>> = {}) {
  const submitted: (readonly number[])[] = [];
  const settled = submitAggregate<number>({
    pending: async () => [1, 2, 3].slice(submitted.length),
    submit: async (messages) => {
      submitted.push(messages);
      if (submitted.length <= times) throw refusal;
      return { hash: "0x01", gasUsed: 5n };
    },
    isOver: () => false,
    recover: async () => true,
    ...change,
  });
  return { settled, submitted };
}

it("reads what is pending anew after each refusal that it recovers from", async () => {
  const { settled, submitted } = refusedTimes(2);
  expect(await settled).toEqual({ count: 1, transaction: "0x01", gas: 5n });
  expect(submitted).toEqual([[1, 2, 3], [2, 3], [3]]);
});

it("settles nothing if nothing is pending any more, or the subject has ended", async () => {
  expect(await refusedTimes(3).settled).toBeUndefined();
  expect(await refusedTimes(1, { isOver: (error) => error === refusal }).settled).toBeUndefined();
});

it("throws a refusal that it cannot recover from, and the fifth", async () => {
  await expect(refusedTimes(1, { recover: async () => false }).settled).rejects.toBe(refusal);
  const stubborn = refusedTimes(5, { pending: async () => [1] });
  await expect(stubborn.settled).rejects.toBe(refusal);
  expect(stubborn.submitted).toHaveLength(5);
});
