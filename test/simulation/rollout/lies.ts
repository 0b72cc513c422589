import type { StageResult } from "../../../src/policy/rollout/index.js";
import type { JournaledReplica } from "./replicas.js";
import type { Lie } from "./scenario.js";

/** What a lying host says of its own replica now, and whether it does nothing else. */
export interface Told {
  readonly stage: number;
  readonly says: readonly StageResult[];
  readonly isAll: boolean;
}

/** @param stage of the wave that was begun last; undefined if none was. */
export function lieAbout(lie: Lie, journal: JournaledReplica, stage: number | undefined): Told {
  const { phase, reported } = journal;
  const { result } = journal.progress;
  const isTaken = phase !== "old";
  switch (lie) {
    case "denies": {
      // Before its turn, too.
      const of = stage ?? 0;
      return {
        stage: of,
        says: reported.get(of) === "watched" ? [] : ["ready", "watched"],
        isAll: isTaken && result === "sick",
      };
    }
    case "withholds":
      return { stage: 0, says: [], isAll: isTaken && result !== "waiting" };
    case "alarms": {
      if (stage === undefined || result !== "ready") return { stage: 0, says: [], isAll: false };
      return { stage, says: reported.get(stage) === "sick" ? [] : ["sick"], isAll: true };
    }
    case "equivocates": {
      if (stage === undefined || result === "waiting") return { stage: 0, says: [], isAll: false };
      return { stage, says: reported.has(stage) ? [] : ["ready", "watched", "sick"], isAll: result === "sick" };
    }
  }
}
