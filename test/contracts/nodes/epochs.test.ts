import { bls12_381 } from "@noble/curves/bls12-381.js";
import { toBigInt } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodeRegistry } from "../../../src/ports/chain/bindings/index.js";
import { encodeG1, type G1, secretOf } from "../../harness/contracts/eip2537.js";
import {
  admission,
  deployRegistry,
  ethers,
  networkHelpers,
  nextMonth,
  operatorOf,
  type RegistryContracts,
  signerOf,
} from "../../harness/contracts/nodes.js";
import { rotateAgent } from "../../harness/contracts/seats.js";

/** What the registry should hold: every committee as a list of seats with agents, written down when its epoch opened. */
interface Seat {
  index: number;
  operator: string;
  key: string;
}
interface Epoch {
  openedAt: number;
  indexBound: number;
  seats: Seat[];
}

const POOL = 10;
const step = fc.record({
  act: fc.constantFrom("admit", "admit", "remove", "set", "revoke"),
  picks: fc.uniqueArray(fc.nat(POOL - 1), { minLength: 1, maxLength: 3 }),
  wait: fc.nat(30),
});
type Step = { act: string; picks: number[]; wait: number };

const { ZERO, BASE } = bls12_381.G1.Point;
const points = new Map<string, G1>();

/** A key's point. Made once: every committee that a key was in is added up anew. */
function pointOf(key: string): G1 {
  const point = points.get(key) ?? BASE.multiply(toBigInt(secretOf(`key ${key}`).toBytes()));
  points.set(key, point);
  return point;
}

async function take({ registry, founder }: RegistryContracts, history: Epoch[], { act, picks }: Step): Promise<void> {
  const last = history.at(-1) as Epoch;
  const past = new Set(history.flatMap(({ seats }) => seats.map(({ operator }) => operator)));
  const { seats, indexBound } = last;
  let next: Omit<Epoch, "openedAt">;

  if (act === "admit") {
    const fresh = picks.map(String).filter((name) => !past.has(name));
    if (fresh.length === 0) return;
    await registry.connect(founder).admit(fresh.map((name) => admission(name)));
    const added = fresh.map((name, i) => ({ index: indexBound + i, operator: name, key: name }));
    next = { indexBound: indexBound + fresh.length, seats: [...seats, ...added] };
  } else if (act === "remove") {
    // A vote removes one of so few seats in a month.
    const leaving = seats[picks[0] as number];
    if (!leaving || seats.length === 1) return;
    await registry.remove([operatorOf(leaving.operator)]);
    next = { indexBound, seats: seats.filter((seat) => seat !== leaving) };
  } else if (act === "revoke") {
    const leaving = seats[picks[0] as number];
    if (!leaving || seats.length === 1) return;
    await registry.connect(await signerOf(operatorOf(leaving.operator))).revokeAgent();
    next = { indexBound, seats: seats.filter((seat) => seat !== leaving) };
  } else {
    // A seat whose agent was revoked gets one again, before others get another.
    const known = new Map(history.flatMap((epoch) => epoch.seats).map((seat) => [seat.operator, seat]));
    const all = [...known.values()].filter(({ index }) => !seats.some((seat) => seat.index === index));
    const revoked: Seat[] = [];
    for (const seat of all) if ((await registry.seat(operatorOf(seat.operator))).seated) revoked.push(seat);
    const seat = revoked[0] ?? seats[picks[0] as number];
    if (!seat) return;
    await rotateAgent(registry, seat.index, `key ${seat.key}'`);
    const moved = { index: indexBound, operator: seat.operator, key: `${seat.key}'` };
    next = { indexBound: indexBound + 1, seats: [...seats.filter((other) => other !== seat), moved] };
  }
  history.push({ ...next, openedAt: await networkHelpers.time.latest() });
}

async function compare(registry: NodeRegistry, history: Epoch[]): Promise<void> {
  const bound = (history.at(-1) as Epoch).indexBound;
  expect(await registry.epoch()).toBe(BigInt(history.length - 1));

  for (const [epoch, { openedAt, indexBound, seats }] of history.entries()) {
    const expected = [BigInt(openedAt), BigInt(seats.length), BigInt(indexBound)];
    expect((await registry.committee(epoch)).slice(0, 3)).toEqual(expected);
    const sum = seats.reduce((total, { key }) => total.add(pointOf(key)), ZERO);
    expect(await registry.totalKey(epoch)).toBe(encodeG1(sum));

    const members = await Promise.all(
      Array.from({ length: bound }, (_, index) => registry.isIndexMember(index, epoch)),
    );
    expect(members.flatMap((is, index) => (is ? index : []))).toEqual(
      seats.map(({ index }) => index).sort((a, b) => a - b),
    );
    for (let name = 0; name < POOL; name++) {
      const seat = seats.find(({ operator }) => operator === String(name));
      expect(await registry.isMember(operatorOf(name), epoch)).toBe(seat !== undefined);
      if (seat) expect(await registry.indexOf(operatorOf(name), epoch)).toBe(BigInt(seat.index));
      else await expect(registry.indexOf(operatorOf(name), epoch)).rejects.toThrow("NodeRegistryNotMember");
    }

    for (const timepoint of [openedAt - 1, openedAt, openedAt + 1].filter((time) => time >= 0)) {
      const open = history.findLastIndex((other) => other.openedAt <= timepoint);
      expect(await registry.epochAt(timepoint)).toBe(BigInt(open));
      const { size } = await registry.committee(open);
      expect([...(await registry.committeeAt(timepoint))]).toEqual([BigInt(open), size]);
    }
  }
  for (const { index, operator, key } of history.flatMap(({ seats }) => seats)) {
    expect(await registry.keyOf(index)).toBe(admission(operator, key).key);
  }
}

describe("NodeRegistry, epoch by epoch", () => {
  it("remembers every committee exactly, whatever happens after it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        const contracts = await deployRegistry();
        const history: Epoch[] = [{ openedAt: 0, indexBound: 0, seats: [] }];
        for (const each of steps) {
          await nextMonth();
          await networkHelpers.time.increase(each.wait + 1);
          await take(contracts, history, each);
        }
        await compare(contracts.registry, history);
      }),
      { numRuns: 12 },
    );
  });

  it("finds any key in any chunk, however the batches fell", async () => {
    const { registry, founder } = await deployRegistry();
    for (const [first, size] of [
      [0, 1],
      [1, 4],
      [5, 2],
      [7, 1],
    ] as const) {
      await registry.connect(founder).admit(Array.from({ length: size }, (_, i) => admission(first + i)));
    }
    for (let index = 0; index < 8; index++) expect(await registry.keyOf(index)).toBe(admission(index).key);
    expect(await ethers.provider.getCode(registry)).not.toBe("0x");
  });
});
