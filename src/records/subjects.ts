import { utf8 } from "./encoding/hex.js";
import { keccak256 } from "./encoding/keccak.js";
import type { Hex } from "./types.js";

/*
 * A subject is what a directive or an incident is about: a kind, a slash and a name, such as `workload/web` (the service),
 * `replica/web/3` (one running copy of it), `node/3`, `model/mnist`, `task/mnist`, `parameter/replicas.max`.
 */

/** The subject of a whole workload. @example workloadSubject("web") // "workload/web" */
export function workloadSubject(workload: string): string {
  return `workload/${workload}`;
}

/** The subject of one replica. @example replicaSubject("web/3") // "replica/web/3" */
export function replicaSubject(replica: string): string {
  return `replica/${replica}`;
}

/** The name of a replica. @example replicaName("web", 3) // "web/3" */
export function replicaName(workload: string, index: number): string {
  return `${workload}/${index}`;
}

/** The workload of a replica. @example workloadOfReplica("web/3") // "web" */
export function workloadOfReplica(replica: string): string {
  return replica.slice(0, replica.lastIndexOf("/"));
}

/** A subject without its kind. @example nameOfSubject("replica/web/3") // "web/3" */
export function nameOfSubject(subject: string): string {
  return subject.slice(subject.indexOf("/") + 1);
}

/**
 * The subject of a directive on chain: keccak256 of the subject's UTF-8 text.
 *
 * @example subjectHash("replica/web/3")
 */
export function subjectHash(text: string): Hex {
  return keccak256(utf8(text));
}
