import { createHash } from "node:crypto";
import type { Address } from "../../records/index.js";

/**
 * The order in which nodes take a duty: rendezvous hashing, so that every node computes the same order alone, each task
 * has its own, and a node's absence moves only its own tasks.
 *
 * @returns the position of `self`, 0 for the first in line; -1 where it is not among `nodes`.
 */
export function leaderRank(task: string, nodes: readonly Address[], self: Address): number {
  return leaderOrder(task, nodes).indexOf(self.toLowerCase());
}

/** All nodes (lower case) in the order in which they take the duty `task`. */
export function leaderOrder(task: string, nodes: readonly Address[]): string[] {
  return nodes
    .map((node) => node.toLowerCase())
    .map((node) => ({ node, weight: createHash("sha256").update(`${task}\n${node}`).digest("hex") }))
    .sort((a, b) => (a.weight < b.weight ? 1 : -1))
    .map(({ node }) => node);
}
