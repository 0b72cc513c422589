import { it } from "vitest";
import { floodingCost, type ProbedMesh, ProbedNodes, type ProbingParameters } from "./probing.js";
import { SeededRandom } from "./random.js";

const parameters: ProbingParameters = {
  ...{ seats: 50, periodSeconds: 5, helpers: 3, timeoutsSeconds: [2, 5, 10], checkSeconds: 15 },
  ...{ maxPatience: 3, maxWrongHints: 4 },
};
it("measures", () => {
  const t = performance.now();
  const go = (name: string, p: Partial<ProbingParameters>, m: ProbedMesh) => {
    const r = new ProbedNodes({ ...parameters, ...p }, m, new SeededRandom(1)).run();
    console.log(name, JSON.stringify(r), Math.round(performance.now() - t));
  };
  for (const seats of [5, 50, 500]) {
    console.log(seats, "flood", floodingCost(seats, 10));
    if (seats === 500)
      for (const maxPatience of [1, 3, 8])
        go(`${seats} dead patience ${maxPatience}`, { seats, maxPatience }, { seconds: 360, changesAt: 60, dead: 0.4 });
    for (const periodSeconds of [2, 5, 10]) {
      go(`${seats} T=${periodSeconds} dead`, { seats, periodSeconds }, { seconds: 360, changesAt: 60, dead: 0.4 });
    }
    go(`${seats} dead k=1`, { seats, helpers: 1 }, { seconds: 360, changesAt: 60, dead: 0.4 });
    go(`${seats} dead loss`, { seats }, { seconds: 360, changesAt: 60, dead: 0.4, loss: 0.2 });
    go(`${seats} dead loss slow`, { seats }, { seconds: 360, changesAt: 60, dead: 0.4, loss: 0.2, slow: 0.1 });
    go(`${seats} calm loss`, { seats }, { seconds: 600, loss: 0.2 });
    go(`${seats} calm loss k=1`, { seats, helpers: 1 }, { seconds: 600, loss: 0.2 });
    go(`${seats} calm slow`, { seats }, { seconds: 600, slow: 0.1 });
    for (const maxPatience of [1, 3, 8])
      go(
        `${seats} calm loss slow patience ${maxPatience}`,
        { seats, maxPatience },
        { seconds: 600, loss: 0.2, slow: 0.1 },
      );
    go(`${seats} part`, { seats }, { seconds: 300, cutOff: 0.4, changesAt: 60 });
    go(`${seats} hostile accuse`, { seats }, { seconds: 300, hostile: 0.33 });
    go(`${seats} hostile deny`, { seats }, { seconds: 300, changesAt: 60, dead: 0.3, hostile: 0.18 });
  }
});
