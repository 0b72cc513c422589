import { it } from "vitest";
import { seedOf } from "../harness/soak.js";
import { tellsTheStory } from "./storyChecks.js";

/** Development chains that run already, each by the variable that holds the address of its RPC. */
const CHAINS = [
  ["geth in developer mode", "WITAN_TEST_GETH"],
  ["Anvil", "WITAN_TEST_ANVIL"],
] as const;

for (const [chain, variable] of CHAINS) {
  const rpc = process.env[variable];
  if (rpc === undefined || rpc === "") {
    it.skip(`SKIPPED: the story on ${chain} is told only where ${variable} holds the address of its RPC`, () =>
      undefined);
  } else {
    tellsTheStory(`${chain} (${rpc})`, { kills: 0, rpc, seed: seedOf(1) });
  }
}
