import { seedOf, shortOrLong } from "../harness/soak.js";
import { tellsTheStory } from "./storyChecks.js";

tellsTheStory("Hardhat's network", {
  kills: shortOrLong(2, Number(process.env.WITAN_SOAK_KILLS ?? 20)),
  seed: seedOf(1),
});
