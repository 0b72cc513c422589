import { describe, expect, it } from "vitest";
import { draw } from "../../../../src/policy/rollout/plan/draw.js";
import { hex } from "../fixtures.js";

const numbers = Array.from({ length: 20 }, (_, i) => i);

describe("draw", () => {
  it("draws the same from the same seed and label, and other things from others", () => {
    expect(draw(hex("1"), "x", numbers)).toEqual(draw(hex("1"), "x", numbers));
    expect(draw(hex("1"), "x", numbers)).not.toEqual(draw(hex("2"), "x", numbers));
    expect(draw(hex("1"), "x", numbers)).not.toEqual(draw(hex("1"), "y", numbers));
  });

  it("draws each thing at most once, and all if there are no more", () => {
    expect(new Set(draw(hex("1"), "x", numbers, 7)).size).toBe(7);
    expect(draw(hex("1"), "x", numbers, 50).sort((a, b) => a - b)).toEqual(numbers);
    expect(draw(hex("1"), "x", [], 3)).toEqual([]);
  });

  it("prefers nobody: each of 20 is drawn about as often", () => {
    const counts = numbers.map(() => 0);
    for (let i = 0; i < 2_000; i++)
      for (const each of draw(hex("1"), `label ${i}`, numbers, 5)) counts[each] = (counts[each] ?? 0) + 1;
    // 500 expected each; five standard deviations are 97.
    expect(Math.min(...counts)).toBeGreaterThan(400);
    expect(Math.max(...counts)).toBeLessThan(600);
  });
});
