import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { concat, dataSlice, Signature, toBeHex } from "ethers";
import { beforeEach, describe, expect, it } from "vitest";
import { expectRefused } from "../../harness/contracts/attacks.js";
import {
  type BallotContext,
  ballotContextOf,
  countOf,
  entryOf,
  signBallotOf,
} from "../../harness/contracts/ballots.js";
import { signsFor } from "../../harness/contracts/consents.js";
import { contracts, openVote, useOpenGenesis, voterOf } from "../../harness/contracts/currentGovernance.js";
import { deploy, ethers, networkHelpers } from "../../harness/contracts/deployGovernance.js";
import { admissionOf } from "../../harness/contracts/eip2537.js";
import { type GovernanceHelper, Support } from "../../harness/contracts/governanceHelper.js";

/** Node 0's operator owns the wallets of the nodes 5 and 6. */
const OWNER = 0;
const WALLETS = [5, 6] as const;

let wallets: string[];
let proposal: GovernanceHelper;
let context: BallotContext;

beforeEach(async () => {
  await useOpenGenesis();
  wallets = [];
  for (const _ of WALLETS) {
    const wallet = await deploy<{ getAddress(): Promise<string> }>("OwnedWallet", [voterOf(OWNER).address]);
    const address = await wallet.getAddress();
    signsFor(address, voterOf(OWNER).address);
    wallets.push(address);
  }
  await contracts.nodes.admit(wallets.map((wallet, i) => admissionOf(wallet, `key ${WALLETS[i]}`)));
  await networkHelpers.mine();
  proposal = await openVote();
  context = await ballotContextOf(contracts.governor, proposal.id);
});

function accountOf(index: number): string {
  return wallets[index - 5] ?? voterOf(index).address;
}

/** A ballot For under `index`. */
function signedFor(index: number, voter: HardhatEthersSigner): Promise<string> {
  return signBallotOf(context, { index, support: Support.for, voter });
}

const castOne = (index: number, signature: string) =>
  contracts.governor.castVoteBySig(proposal.id, Support.for, accountOf(index), signature);
const castListed = (index: number, signature: string) =>
  contracts.governor.castVotesBySig(proposal.id, entryOf(index, Support.for, signature));

/** What each of the two functions says of a bad signature. */
const refusals = (index: number) =>
  [
    [castOne, ["GovernorInvalidSignature", accountOf(index)]],
    [castListed, ["NodeRegistryInvalidSignatureOf", BigInt(index)]],
  ] as const;

describe("One signature", () => {
  it.each(WALLETS)("of the owner of two wallets votes for the wallet %i alone, by either function", async (own) => {
    const signature = await signedFor(own, voterOf(OWNER));
    for (const other of [OWNER, ...WALLETS].filter((index) => index !== own)) {
      for (const [cast, refusal] of refusals(other)) {
        await expectRefused(proposal, () => cast(other, signature), refusal);
      }
    }
    await castListed(own, signature);
    expect((await countOf(contracts.governor, proposal.id, 7)).voted).toEqual([own]);
    expect(await proposal.votes()).toEqual({ for: 1n, against: 0n, abstain: 0n });
  });

  it("of a node votes under no other index", async () => {
    for (const signed of [1, 4, 7, 2 ** 32 - 1]) {
      const signature = await signedFor(signed, voterOf(2));
      for (const [cast, refusal] of refusals(2)) await expectRefused(proposal, () => cast(2, signature), refusal);
    }
    await castListed(2, await signedFor(2, voterOf(2)));
  });

  it("of three nodes of one owner makes three votes only as three signatures", async () => {
    const entries = await Promise.all(
      [OWNER, ...WALLETS].map(async (index) => entryOf(index, Support.for, await signedFor(index, voterOf(OWNER)))),
    );
    const same = await signedFor(OWNER, voterOf(OWNER));
    const copied = concat([OWNER, ...WALLETS].map((index) => entryOf(index, Support.for, same)));
    const refusal = ["NodeRegistryInvalidSignatureOf", 5n];
    await expectRefused(proposal, () => contracts.governor.castVotesBySig(proposal.id, copied), refusal);
    await contracts.governor.castVotesBySig(proposal.id, concat(entries));
    expect(await proposal.votes()).toEqual({ for: 3n, against: 0n, abstain: 0n });
  });
});

describe("castVotesBySig takes what castVoteBySig takes", () => {
  const forms: [string, number, (signature: string) => string, boolean][] = [
    ["a key pair's 65 bytes", 1, (signature) => signature, true],
    ["a key pair's 64 bytes (EIP-2098)", 1, (signature) => Signature.from(signature).compactSerialized, true],
    ["a contract's ERC-1271", 5, (signature) => signature, true],
    ["a key pair's 63 bytes", 1, (signature) => dataSlice(signature, 0, 63), false],
    ["a key pair's 66 bytes", 1, (signature) => concat([signature, "0x00"]), false],
    [
      "a key pair's of an unknown parity",
      1,
      (signature) => concat([dataSlice(signature, 0, 64), toBeHex(29, 1)]),
      false,
    ],
    ["none of a key pair", 1, () => "0x", false],
    ["none of a contract", 5, () => "0x", false],
  ];
  it.each(forms)("%s", async (_what, index, write, accepted) => {
    const written = write(await signedFor(index, index === 5 ? voterOf(OWNER) : voterOf(index)));
    for (const [cast, refusal] of refusals(index)) {
      if (!accepted) {
        await expectRefused(proposal, () => cast(index, written), refusal);
        continue;
      }
      const before = await networkHelpers.takeSnapshot();
      await cast(index, written);
      expect((await countOf(contracts.governor, proposal.id, 7)).voted).toEqual([index]);
      await before.restore();
    }
  });

  it("an account with a key and code, as by EIP-7702, by its key and by its code", async () => {
    // As if node 1's account had delegated to the wallet of node 0's operator.
    await networkHelpers.setCode(voterOf(1).address, await ethers.provider.getCode(wallets[0] ?? ""));
    for (const voter of [voterOf(1), voterOf(OWNER)]) {
      const signature = await signedFor(1, voter);
      for (const [cast] of refusals(1)) {
        const before = await networkHelpers.takeSnapshot();
        await cast(1, signature);
        expect((await countOf(contracts.governor, proposal.id, 7)).voted).toEqual([1]);
        await before.restore();
      }
    }
    const foreign = await signedFor(1, voterOf(2));
    for (const [cast, refusal] of refusals(1)) await expectRefused(proposal, () => cast(1, foreign), refusal);
  });
});
