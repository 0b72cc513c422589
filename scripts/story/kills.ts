import type { Chain } from "../../src/ports/chain/index.js";
import type { Agents } from "./agents.js";
import type { Screen } from "./narrator.js";

/**
 * The most chain events between two kills. A story has about 110 events; many kills are closer together, so that the last of
 * them comes before the story ends.
 */
const SPACING = 12;
const SPACED = 160;

/**
 * Kills agents with SIGKILL at seeded points of the story and starts them again. The seed determines which agent is killed
 * after how many events. Resolves with the number of kills, once all are done or the signal aborts.
 */
export async function killAtRandom(
  options: { chain: Chain; agents: Agents; members: number; kills: number; seed: number; screen: Screen },
  signal: AbortSignal,
): Promise<number> {
  const { chain, agents, members, kills, screen } = options;
  const random = mulberry32(options.seed);
  const spacing = Math.max(1, Math.min(SPACING, Math.floor(SPACED / kills)));
  let left = 1 + Math.floor(random() * spacing);
  let done = 0;
  for await (const event of chain.watch({ signal })) {
    if (event.name === "NodeAdmitted" || event.name === "EpochOpened" || event.name === "GenesisClosed" || --left > 0)
      continue;
    left = 1 + Math.floor(random() * spacing);
    const victim = Math.floor(random() * members);
    screen.line(`kill -9 of node-${victim + 1}, right after ${event.name}`);
    await agents.killAndRestart(victim);
    if (++done === kills) break;
  }
  return done;
}

/** A small seeded generator of numbers from 0 to 1 (Mulberry32, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
