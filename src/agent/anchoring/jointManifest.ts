import { type EncodedBlock, encodeJointManifest, type JointBatch, MAX_JOINT_BATCHES } from "../../records/index.js";
import type { Committees } from "../aggregation/committees.js";
import type { WaitingBatch } from "./pool.js";

/** The joint manifest of these batches, those of members: every node makes the same block. */
export function jointManifestOf(
  waiting: readonly WaitingBatch[],
  committees: Pick<Committees, "ofAccount">,
): {
  readonly batches: JointBatch[];
  readonly block: EncodedBlock;
} {
  const batches = waiting
    .flatMap(({ batch }): JointBatch[] => {
      const member = committees.ofAccount(batch.author);
      return member === undefined ? [] : [{ ...batch, index: member.index }];
    })
    .sort((a, b) => a.index - b.index)
    .slice(0, MAX_JOINT_BATCHES);
  return { batches, block: encodeJointManifest({ schema: "witan/batches/1", batches }) };
}

/** Which batches go into one manifest: a committee larger than a manifest has several. */
export function groupsOf(waiting: readonly WaitingBatch[], committees: Committees): Map<number, WaitingBatch[]> {
  const count = Math.ceil(committees.members.length / MAX_JOINT_BATCHES);
  const groups = new Map<number, WaitingBatch[]>();
  for (const each of waiting) {
    const member = committees.ofAccount(each.batch.author);
    if (member === undefined) continue;
    const group = member.index % count;
    groups.set(group, [...(groups.get(group) ?? []), each]);
  }
  return groups;
}
