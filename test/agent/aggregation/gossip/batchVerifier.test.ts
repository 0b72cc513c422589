import { getBytes, id } from "ethers";
import { describe, expect, it } from "vitest";
import { BatchVerifier, type SignatureClaim } from "../../../../src/agent/aggregation/gossip/batchVerifier.js";
import { systemClock } from "../../../../src/utils/clock.js";
import { bls } from "../../../harness/bls.js";
import { blsKey } from "../../../harness/deploy.js";

const [digest, other] = [getBytes(id("what is voted on")), getBytes(id("something else"))];
const key = bls.publicKey(blsKey(0));
const good: SignatureClaim = { key, digests: [digest], signature: bls.sign(blsKey(0), digest) };
const bad: SignatureClaim = { ...good, signature: bls.sign(blsKey(0), other) };

/** So many claims, the first of which are bad. */
const claims = (count: number, bads = 0): SignatureClaim[] =>
  Array.from({ length: count }, (_, n) => (n < bads ? bad : good));

/** Lots over the real library, which notes how many it was asked about at a time. */
function openLots() {
  const sizes: number[] = [];
  const verifyLot: typeof bls.verifyDecoded = (lot) => {
    sizes.push(lot.length);
    return bls.verifyDecoded(lot);
  };
  const lots = new BatchVerifier({ ...bls, verifyDecoded: verifyLot }, systemClock);
  return {
    lots,
    sizes,
    /** What becomes of them, in order. */
    send: (sender: string, sent: readonly SignatureClaim[]) =>
      Promise.all(sent.map((claim) => lots.verify(claim, sender))),
  };
}

/** How many were good, were bad and were not looked at. */
function count(verdicts: readonly (boolean | undefined)[]) {
  const of = (verdict: boolean | undefined) => verdicts.filter((each) => each === verdict).length;
  return { good: of(true), bad: of(false), unseen: of(undefined) };
}

describe("signatures that come together", () => {
  it("are verified by one product of pairings for each 64 of one sender", async () => {
    const { lots, send, sizes } = openLots();
    expect(count(await send("one", claims(200)))).toEqual({ good: 200, bad: 0, unseen: 0 });
    expect(sizes).toEqual([64, 64, 64, 8]);
    expect(lots.checks).toBe(4);
  });

  it("are verified apart where they are of different senders, who have turns", async () => {
    const { send, sizes } = openLots();
    const served: string[] = [];
    const sent = { loud: claims(130), quiet: claims(3), late: claims(65) };
    await Promise.all(
      Object.entries(sent).map(async ([sender, its]) => {
        await send(sender, its);
        served.push(sender);
      }),
    );
    expect(sizes).toEqual([64, 3, 64, 64, 1, 2]);
    expect(served).toEqual(["quiet", "late", "loud"]);
  });

  it("are not looked at beyond 1,024 of one sender that wait, which keeps nobody else out", async () => {
    const { send } = openLots();
    const [loud, quiet] = await Promise.all([send("loud", claims(1_030)), send("quiet", claims(2))]);
    expect(loud.slice(1_024)).toEqual(Array(6).fill(undefined));
    expect(count(loud)).toEqual({ good: 1_024, bad: 0, unseen: 6 });
    expect(quiet).toEqual([true, true]);
  });
});

describe("a sender of bad signatures", () => {
  it("is given up on after sixteen of them: what waits of it is not looked at", async () => {
    const { send, sizes } = openLots();
    const [liar, honest] = await Promise.all([send("liar", claims(200, 16)), send("honest", claims(100))]);
    expect(count(liar.slice(0, 64))).toEqual({ good: 48, bad: 16, unseen: 0 });
    expect(count(liar.slice(64))).toEqual({ good: 0, bad: 0, unseen: 136 });
    expect(count(honest)).toEqual({ good: 100, bad: 0, unseen: 0 });
    // The liar's first lot and the honest one's: the rest of the liar's is in none.
    expect(sizes.filter((size) => size === 64)).toHaveLength(2);
  });

  it("is heard to the end where there are fifteen", async () => {
    const { send } = openLots();
    expect(count(await send("clumsy", claims(200, 15)))).toEqual({ good: 185, bad: 15, unseen: 0 });
  });

  it("is given up on too where they are spread over its lots", async () => {
    const { send } = openLots();
    const verdicts = await send("liar", [...claims(64, 8), ...claims(64, 8), ...claims(64)]);
    expect(count(verdicts)).toEqual({ good: 112, bad: 16, unseen: 64 });
  });

  it("is heard again once nothing of what came together waits", async () => {
    const { send } = openLots();
    expect(count(await send("liar", claims(65, 16)))).toEqual({ good: 48, bad: 16, unseen: 1 });
    expect(count(await send("liar", claims(65)))).toEqual({ good: 65, bad: 0, unseen: 0 });
  });
});
