import { concat, getBytes, Signature, toBeHex } from "ethers";
import { type Support, Supports } from "../../src/client/index.js";
import { wordsOf } from "../../src/ports/chain/bitset.js";
import { encodeG2, loadBls } from "../../src/ports/keys/index.js";
import type { ContentId, Hex } from "../../src/records/index.js";
import type { Setting } from "./setting.js";

/** Whose ballots say what, by the indices of the nodes. */
export type BallotsBySupport = Partial<Record<Support, readonly number[]>>;

/** What brings many ballots or reports of a setting's nodes to the contracts in one transaction. */
export function createTogether(setting: Setting, secretOf = (index: number) => setting.witan.blsKeys[index]) {
  const { chain } = setting.client();
  const { governor, directives } = chain.contracts;

  async function sum(signed: readonly (readonly [index: number, digest: string])[]): Promise<Uint8Array> {
    const bls = await loadBls();
    return encodeG2(
      bls.aggregate(signed.map(([index, digest]) => bls.sign(secretOf(index) ?? new Uint8Array(), getBytes(digest)))),
    );
  }

  return {
    /** By one sum of BLS signatures; who abstains signs For and Against. */
    async aggregate(proposalId: string, ballots: BallotsBySupport) {
      const { for: pro = [], against = [], abstain = [] } = ballots;
      const digestOf = (support: Support) => governor.ballotDigest(proposalId, Supports.indexOf(support));
      const [forDigest, againstDigest] = await Promise.all([digestOf("for"), digestOf("against")]);
      const signature = await sum([
        ...[...pro, ...abstain].map((index) => [index, forDigest] as const),
        ...[...against, ...abstain].map((index) => [index, againstDigest] as const),
      ]);
      const signers = { forBits: wordsOf(pro), againstBits: wordsOf(against), abstainBits: wordsOf(abstain) };
      return chain.send(() => governor.castVotesByAggregate(proposalId, signers, signature));
    },

    /** By the operators' signatures side by side, for nodes whose index is that of their client. */
    async batch(proposalId: string, ballots: readonly (readonly [index: number, support: Support])[]) {
      const entries = await Promise.all(
        ballots.map(async ([index, support]) => {
          const { signature } = await setting.client(index).signBallot({ proposalId, support });
          const head = [toBeHex(index, 4), toBeHex(Supports.indexOf(support), 1)];
          return concat([...head, Signature.from(signature).compactSerialized]);
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
