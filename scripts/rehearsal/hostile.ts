import { randomBytes } from "node:crypto";
import type { LocalNode } from "../../src/agent/aggregation/localNode.js";
import { encodeBallot } from "../../src/agent/ballots/message.js";
import { signNodeBallot } from "../../src/agent/ballots/sign.js";
import { type NodeSummary, type Proposal, type Support, Supports } from "../../src/client/index.js";
import type { Gossip } from "../../src/ports/gossip/index.js";
import type { BlsLibrary } from "../../src/ports/keys/index.js";
import { sameHex } from "../../src/utils/sameHex.js";

export interface AttackParameters {
  readonly nodes: readonly LocalNode[];
  readonly gossip: Pick<Gossip, "publish">;
  readonly topic: string;
  readonly bls: BlsLibrary;
  readonly proposal: Proposal;
  readonly committee: readonly NodeSummary[];
}

/**
 * Sends, for each of the nodes, what must do no harm: garbage, a wrong signature, another's index, no member's, a ballot on
 * another proposal, two and more different ballots, and copies. Resolves with how many messages were sent.
 */
export async function attack(parameters: AttackParameters): Promise<number> {
  const { bls, committee, gossip, nodes, proposal, topic } = parameters;
  const beyond = Math.max(...committee.map(({ index }) => index)) + 1;
  let sent = 0;
  const send = async (message: Uint8Array) => {
    await gossip.publish(topic, message);
    sent += 1;
  };
  for (const node of nodes) {
    const member = committee.find(({ agent }) => sameHex(agent, node.account));
    if (member === undefined) continue;
    const { index } = member;
    const sign = (support: Support, proposalId = proposal.id) =>
      signNodeBallot({ bls, aggregates: true, node, proposalId, index, support });
    const ballot = await sign("against");
    const other = committee[(committee.indexOf(member) + 1) % committee.length] ?? member;

    await send(randomBytes(encodeBallot(ballot).length));
    await send(encodeBallot({ ...ballot, support: "abstain" }));
    await send(encodeBallot({ ...ballot, index: other.index }));
    await send(encodeBallot({ ...ballot, index: beyond }));
    await send(encodeBallot(await sign("for", (BigInt(proposal.id) ^ 1n).toString())));
    for (const support of Supports) await send(encodeBallot(await sign(support)));
    for (let copy = 0; copy < 3; copy++) await send(encodeBallot(ballot));
  }
  return sent;
}
