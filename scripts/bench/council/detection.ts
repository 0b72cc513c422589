import { PresenceMesh } from "../../../test/harness/presenceMesh.js";

const MINUTE_SECONDS = 60;
/** Nobody waits longer than this until the dead are held silent, in virtual seconds. */
const LIMIT_SECONDS = 600;

/** What all nodes have spent so far, or one node in a minute. */
type Cost = ReturnType<PresenceMesh["cost"]>;

/**
 * Measures how soon a committee's nodes see that some of them died at once, and what that costs each living node. It runs the
 * agents' own code on virtual time.
 */
export async function measureDetection(size: number, silent: number) {
  const mesh = await PresenceMesh.start(size);
  // At first nobody has heard of anybody.
  await mesh.clock.pass(MINUTE_SECONDS * 1_000);
  const before = mesh.cost();
  await mesh.clock.pass(MINUTE_SECONDS * 1_000);
  const calm = perNode(before, mesh.cost(), size);

  const dead = mesh.random.shuffled(mesh.nodes.map(({ index }) => index)).slice(0, silent);
  mesh.kill(...dead);
  const { costs, majority, all } = await watch(mesh, dead);
  await mesh.stop();

  const minutes = costs.slice(MINUTE_SECONDS).map((cost, i) => perNode(costs[i] ?? cost, cost, size - silent));
  const most = (key: keyof Cost) => Math.max(...minutes.map((minute) => minute[key]));
  return {
    detectSeconds: { majority, all },
    bytes: { calm: calm.bytes, worst: most("bytes") },
    checks: { calm: calm.checks, worst: most("checks") },
  };
}

/**
 * Lets time pass until all living nodes hold all of the dead silent. It tells after how many seconds more than half of all
 * seats did, and after how many all of the living did, with the costs at each second.
 */
async function watch(mesh: PresenceMesh, dead: readonly number[]) {
  const size = mesh.nodes.length;
  const living = mesh.up();
  const costs = [mesh.cost()];
  let majority: number | undefined;
  let all: number | undefined;
  for (let second = 1; all === undefined || second <= MINUTE_SECONDS; second++) {
    if (second > LIMIT_SECONDS) throw new Error(`the dead are not held silent after ${LIMIT_SECONDS} s`);
    await mesh.clock.pass(1_000);
    costs.push(mesh.cost());
    const holding = living.filter((index) => holdsAll(mesh, index, dead)).length;
    // A Suspend names all of them, so only a node that holds all of them silent votes for it.
    if (holding * 2 > size) majority ??= second;
    if (holding === living.length) all ??= second;
  }
  return { costs, majority, all };
}

function holdsAll(mesh: PresenceMesh, index: number, seats: readonly number[]): boolean {
  const silent = new Set(mesh.node(index).presence.silent());
  return seats.every((seat) => silent.has(seat));
}

function perNode(before: Cost, after: Cost, nodes: number): Cost {
  const share = (key: keyof Cost, digits: number) => Number(((after[key] - before[key]) / nodes).toFixed(digits));
  return { bytes: share("bytes", 0), checks: share("checks", 1) };
}
