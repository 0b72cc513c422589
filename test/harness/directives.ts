import { NO_CONTENT } from "../../src/ports/chain/index.js";
import { DirectiveKinds, type Hex } from "../../src/records/index.js";
import { idOf } from "../records/samples.js";
import { eventOf } from "./events.js";

/** The event that issues a directive which cites records. */
export function issued(name: string, blockNumber: number, evidence: readonly Hex[]) {
  const kind = BigInt(DirectiveKinds.indexOf("Restart"));
  const directive = {
    kind,
    subject: idOf("subject"),
    payload: idOf("payload"),
    delay: 0n,
    window: 60n,
    salt: NO_CONTENT,
    base: NO_CONTENT,
    evidence,
  };
  const args = {
    directiveId: idOf(`directive ${name}`),
    kind,
    subject: directive.subject,
    directive,
    activeAt: 1n,
    deadline: 2n,
    epoch: 1n,
  };
  return eventOf("DirectiveIssued", args, { blockNumber });
}

/** The event that enacts a directive: as done, or with another number of the contract's enum. */
export function enacted(name: string, blockNumber: number, report = 2n) {
  const args = { directiveId: idOf(`directive ${name}`), report, outcome: idOf("outcome"), attestations: 3n };
  return eventOf("DirectiveEnacted", args, { blockNumber });
}

/** The event that opens a proposal which cites records. */
export function proposed(proposalId: bigint, blockNumber: number, evidence: readonly Hex[]) {
  const args = { proposalId, track: 1n, epoch: 1n, committeeSize: 3n, evidence };
  return eventOf("ProposalOpened", args, { blockNumber });
}
