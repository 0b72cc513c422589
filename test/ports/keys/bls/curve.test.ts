import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { toBigInt } from "ethers";
import { describe, expect, it } from "vitest";
import { loadBlst } from "../../../../src/ports/keys/bls/blst.js";
import { BALLOT_SUITE } from "../../../../src/ports/keys/bls/curve.js";

describe("the ciphersuite of ballots", () => {
  it("is the one in which blst signs: a signature is the secret times the digest's point in it", async () => {
    const bls = await loadBlst();
    const [secret, digest] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(9)];
    const pointIn = (DST: string) => bls12_381.G2.hashToCurve(digest, { DST }).multiply(toBigInt(secret)).toBytes(true);
    expect(bls.sign(secret, digest)).toEqual(pointIn(BALLOT_SUITE));
    expect(bls.sign(secret, digest)).not.toEqual(pointIn(BALLOT_SUITE.replace("POP", "NUL")));
  });

  it("is the one in which the contracts hash", async () => {
    const path = join(import.meta.dirname, "../../../../contracts/nodes/NodeSignatures.sol");
    expect(await readFile(path, "utf8")).toContain(`"${BALLOT_SUITE}"`);
  });
});
