import type { PlannedProposal } from "../../policy/index.js";
import { encodePayload } from "../../records/index.js";

/**
 * The same text on all nodes that plan the same: two plans are the same if order, subject and evidence are. To scale to 8 is
 * not to try again to scale to 7.
 *
 * @throws {@link InvalidRecordError} for an order that breaks its schema.
 */
export function planKey({ evidence, order, subject }: PlannedProposal): string {
  const { contentId } = encodePayload({ schema: "witan/directive/1", subject, order });
  return `${contentId} ${[...evidence].sort().join()}`;
}
