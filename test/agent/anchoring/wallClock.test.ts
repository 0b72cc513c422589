import { expect, it } from "vitest";
import { createAnchoringMesh, GATHER_MS } from "./anchoringMesh.js";

const hour = 3_600_000;
const six = [0, 1, 2, 3, 4, 5];
const authors = [0, 1, 2, 3, 4];

it.each([-hour, hour])(
  "anchors batches together when the wall clock is stepped by %i ms while they wait",
  async (step) => {
    const mesh = await createAnchoringMesh(6);
    await mesh.start(six);
    await mesh.update();
    await mesh.offer(...authors);
    await mesh.update();
    mesh.clock.stepWall(step);
    await mesh.update();
    // No batch has waited for long, so that no author goes alone.
    mesh.clock.pass(GATHER_MS);
    await mesh.updateUntil(() => mesh.waiting(...authors), [0, 0, 0, 0, 0]);
    const anchored = await mesh.anchored();
    expect(anchored.map(({ author, joint }) => ({ author, joint })).sort((a, b) => a.author - b.author)).toEqual(
      authors.map((author) => ({ author, joint: true })),
    );
    expect(new Set(anchored.map(({ transaction }) => transaction)).size).toBe(1);
  },
);
