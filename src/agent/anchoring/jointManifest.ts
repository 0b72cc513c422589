import { type EncodedBlock, encodeJointManifest, MAX_JOINT_BATCHES, type SignedBatch } from "../../records/index.js";
import type { WaitingBatch } from "./pool.js";
import type { Roll } from "./roll.js";

/** The list of these batches: the same block, whoever makes it. */
export function jointManifestOf(waiting: readonly WaitingBatch[]): {
  readonly batches: SignedBatch[];
  readonly block: EncodedBlock;
} {
  const batches = waiting
    .map(({ batch }) => batch)
    .sort((a, b) => (a.author.toLowerCase() < b.author.toLowerCase() ? -1 : 1))
    .slice(0, MAX_JOINT_BATCHES);
  return { batches, block: encodeJointManifest({ schema: "witan/batches/1", batches }) };
}

/** Which batches go into one list: a committee that is larger than a list is anchored in as many. */
export function groupsOf(waiting: readonly WaitingBatch[], roll: Roll): Map<number, WaitingBatch[]> {
  const count = Math.ceil(roll.members.length / MAX_JOINT_BATCHES);
  const groups = new Map<number, WaitingBatch[]>();
  for (const each of waiting) {
    const member = roll.memberOf(each.batch.author);
    if (member === undefined) continue;
    const group = member.index % count;
    groups.set(group, [...(groups.get(group) ?? []), each]);
  }
  return groups;
}
