import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { INodeGovernor } from "../../../src/ports/chain/bindings/index.js";
import { ballotContextOf, signBallotOf } from "./ballots.js";
import { ethers } from "./deployGovernance.js";

/** Signs a ballot of NodeGovernor, which names the voter's index and no nonce. */
export async function signBallot(
  governor: INodeGovernor,
  proposalId: bigint,
  voter: HardhatEthersSigner,
  support: number,
  index: number,
): Promise<string> {
  return signBallotOf(await ballotContextOf(governor, proposalId), { index, support, voter });
}

/** Signs a ballot of OpenZeppelin's Governor, the voter's first. */
export async function signStockBallot(
  governor: INodeGovernor,
  proposalId: bigint,
  voter: HardhatEthersSigner,
  support: number,
): Promise<string> {
  const types = {
    Ballot: [
      { name: "proposalId", type: "uint256" },
      { name: "support", type: "uint8" },
      { name: "voter", type: "address" },
      { name: "nonce", type: "uint256" },
    ],
  };
  return voter.signTypedData(await domainOf(governor), types, { proposalId, support, voter: voter.address, nonce: 0n });
}

async function domainOf(governor: INodeGovernor) {
  const { chainId } = await ethers.provider.getNetwork();
  return { name: await governor.name(), version: "1", chainId, verifyingContract: await governor.getAddress() };
}
