import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nameState, phi } from "../../src/policy/index.js";
import { wellMachine } from "./fixtures.js";

const share = fc.double({ min: 0, max: 1, noNaN: true });
const metrics = fc.record({
  cpu: share,
  memory: share,
  loss: share,
  connectivity: share,
  latencyMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
});

describe("phi", () => {
  it("is the golden ratio for a node that lacks nothing and uses nothing", () => {
    expect(phi(wellMachine)).toBeCloseTo(1.618034, 6);
  });

  it("stays within 0 and the golden ratio and falls with loss, latency and use", () => {
    fc.assert(
      fc.property(metrics, share, (each, more) => {
        expect(phi(each)).toBeGreaterThanOrEqual(0);
        expect(phi(each)).toBeLessThanOrEqual(1.618035);
        for (const name of ["cpu", "memory", "loss"] as const) {
          const worse = { ...each, [name]: Math.min(1, each[name] + more) };
          expect(phi(worse)).toBeLessThanOrEqual(phi(each) + 1e-12);
        }
      }),
    );
  });
});

describe("named states", () => {
  it.each([
    [1.6, "EUPHORIC"],
    [1.2, "HARMONIC"],
    [0.9, "CONTEMPLATIVE"],
    [0.6, "MYSTICAL"],
    [0.4, "CHAOTIC"],
  ])("names phi %f %s", (value, state) => {
    expect(nameState(value, false).state).toBe(state);
  });

  it("begins a recovery in chaos, which only EUPHORIC ends, at its own mark", () => {
    const values = [0.1, 0.6, 1.1, 1.25, 1.1];
    let recovering = false;
    const states = values.map((value) => {
      const named = nameState(value, recovering);
      recovering = named.recovering;
      return named.state;
    });
    expect(states).toEqual(["CHAOTIC", "CONTEMPLATIVE", "HARMONIC", "EUPHORIC", "CONTEMPLATIVE"]);
  });
});
