import { expect, it } from "vitest";
import { createMesh, GATHER_MS } from "./mesh.js";

const hour = 3_600_000;
const six = [0, 1, 2, 3, 4, 5];
const authors = [0, 1, 2, 3, 4];

it.each([-hour, hour])(
  "anchors batches together when the wall clock is stepped by %i ms while they wait",
  async (step) => {
    const mesh = await createMesh(6);
    await mesh.seat(...six);
    await mesh.look();
    await mesh.offer(...authors);
    await mesh.look();
    mesh.clock.stepWall(step);
    await mesh.look();
    // No batch has waited for long, so that no author goes alone.
    mesh.pass(GATHER_MS);
    await mesh.until(() => mesh.waiting(...authors), [0, 0, 0, 0, 0]);
    const anchored = await mesh.anchored();
    expect(anchored.map(({ author, joint }) => ({ author, joint })).sort((a, b) => a.author - b.author)).toEqual(
      authors.map((author) => ({ author, joint: true })),
    );
    expect(new Set(anchored.map(({ transaction }) => transaction)).size).toBe(1);
  },
);
