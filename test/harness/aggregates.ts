import { concat, dataLength, getBytes, Signature, toBeHex } from "ethers";
import { type Support, Supports } from "../../src/client/index.js";
import { wordsOf } from "../../src/ports/chain/bitset.js";
import { encodeG2, loadBls } from "../../src/ports/keys/index.js";
import type { ContentId, Hex } from "../../src/records/index.js";
import type { TestDao } from "./dao.js";

/** The indices of the nodes that vote for, against, or abstain. */
export type BallotsBySupport = Partial<Record<Support, readonly number[]>>;

/** Sends many ballots or reports of a DAO's nodes in one transaction. */
export function createAggregateSender(dao: TestDao, secretOf = (index: number) => dao.witan.blsKeys[index]) {
  const { chain } = dao.client();
  const { governor, directives } = chain.contracts;

  async function sum(signed: readonly (readonly [index: number, digest: string])[]): Promise<Uint8Array> {
    const bls = await loadBls();
    return encodeG2(
      bls.aggregate(signed.map(([index, digest]) => bls.sign(secretOf(index) ?? new Uint8Array(), getBytes(digest)))),
    );
  }

  return {
    /** Ballots with one sum of BLS signatures; an abstaining node signs For and Against. */
    async aggregate(proposalId: string, ballots: BallotsBySupport) {
      const { for: pro = [], against = [], abstain = [] } = ballots;
      const digestOf = (support: Support) => governor.aggregateBallotDigest(proposalId, Supports.indexOf(support));
      const [forDigest, againstDigest] = await Promise.all([digestOf("for"), digestOf("against")]);
      const signature = await sum([
        ...[...pro, ...abstain].map((index) => [index, forDigest] as const),
        ...[...against, ...abstain].map((index) => [index, againstDigest] as const),
      ]);
      const signers = { forBits: wordsOf(pro), againstBits: wordsOf(against), abstainBits: wordsOf(abstain) };
      return chain.send(() => governor.castVotesByAggregate(proposalId, signers, signature));
    },

    /** Ballots with one operator's signature each; the index of each node is that of its client. */
    async batch(proposalId: string, ballots: readonly (readonly [index: number, support: Support])[]) {
      const entries = await Promise.all(
        ballots.map(async ([index, support]) => {
          const { signature } = await dao.client(index).signBallot({ proposalId, support });
          const compact = Signature.from(signature).compactSerialized;
          const head = [toBeHex(index, 4), toBeHex(Supports.indexOf(support), 1), toBeHex(dataLength(compact), 2)];
          return concat([...head, compact]);
        }),
      );
      return chain.send(() => governor.castVotesBySig(proposalId, concat(entries)));
    },

    async report(directiveId: Hex, report: number, outcome: ContentId, indices: readonly number[]) {
      const digest = await directives.reportDigest(directiveId, report, outcome);
      const signature = await sum(indices.map((index) => [index, digest] as const));
      return chain.send(() => directives.reportByAggregate(directiveId, report, outcome, wordsOf(indices), signature));
    },
  };
}
