export { type PlacementChange, placementChanges } from "./changes.js";
export { ExclusiveDefaults, type ExclusiveInput, type ExclusiveTiming, mayRun, mayStart } from "./exclusive.js";
export { NO_PLACEMENT, place, placeAlong } from "./place.js";
export type {
  HostEntry,
  HostName,
  PlacedWorkload,
  Placement,
  PlacementView,
  ReplicaSeat,
  UnplacedReplica,
} from "./types.js";
