export type { RoutePolicy } from "./balance.js";
export type { TrafficCounts } from "./counters.js";
export { type EndpointSource, localEndpoints, type ReplicaEndpoint } from "./endpoints.js";
export { Traffic, type TrafficDependencies, type TrafficOptions, type WorkloadTraffic } from "./traffic.js";
