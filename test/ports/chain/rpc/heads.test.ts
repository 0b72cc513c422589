import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Head, judgeHeads } from "../../../../src/ports/chain/rpc/heads.js";

const NOW = 1_000_000;
/** A chain with a block every 12 s, whose newest one is of now. */
const at = (blocksBehind: number): Head => ({ number: 5_000 - blocksBehind, time: NOW - 12 * blocksBehind });

describe("the heads of endpoints", () => {
  it("that are a block or two apart are as good as one another", () => {
    expect(judgeHeads([at(2), at(0), at(1)], NOW)).toEqual([undefined, undefined, undefined]);
  });

  it("are behind by the time of their blocks, whatever the order", () => {
    expect(judgeHeads([at(302), at(0)], NOW)).toEqual(["behind", undefined]);
    expect(judgeHeads([at(0), at(302)], NOW)).toEqual([undefined, "behind"]);
    expect(judgeHeads([{ number: 0, time: 0 }, at(0), at(1)], NOW)).toEqual(["behind", undefined, undefined]);
  });

  it("are not behind on a chain whose blocks are minutes apart, or four a second", () => {
    const rare = (behind: number) => ({ number: 50 - behind, time: NOW - 600 * behind });
    expect(judgeHeads([rare(1), rare(0)], NOW)).toEqual([undefined, undefined]);
    const fast = (behind: number) => ({ number: 9_000 - behind, time: NOW - Math.floor(behind / 4) });
    expect(judgeHeads([fast(100), fast(0)], NOW)).toEqual([undefined, undefined]);
    expect(judgeHeads([fast(200), fast(0)], NOW)).toEqual(["behind", undefined]);
  });

  it("count though most have missed them, unless they are in the future", () => {
    expect(judgeHeads([at(300), at(300), at(0)], NOW)).toEqual(["behind", "behind", undefined]);
    const invented = { number: 10 ** 9, time: NOW + 10 ** 6 };
    expect(judgeHeads([invented, at(0), at(0)], NOW)).toEqual(["ahead", undefined, undefined]);
    expect(judgeHeads([invented, at(0)], NOW)).toEqual(["ahead", undefined]);
  });

  it("are those of the chain where its time is ahead of the wall's, as on a development chain", () => {
    const early = NOW - 10 ** 7;
    expect(judgeHeads([at(1), at(0), at(0)], early)).toEqual([undefined, undefined, undefined]);
    expect(judgeHeads([at(50), at(0), at(0)], early)).toEqual(["behind", undefined, undefined]);
    expect(judgeHeads([{ number: 0, time: early }, at(0)], early)).toEqual(["behind", undefined]);
  });

  it("leave somebody well, and judge nobody who did not answer", () => {
    const head = fc.record({ number: fc.nat(10_000), time: fc.nat(2 * NOW) });
    fc.assert(
      fc.property(fc.array(fc.option(head, { nil: undefined }), { maxLength: 8 }), (heads) => {
        const faults = judgeHeads(heads, NOW);
        const isAnyWell = heads.some((each, i) => each !== undefined && faults[i] === undefined);
        expect(isAnyWell).toBe(heads.some((each) => each !== undefined));
        heads.forEach((each, i) => {
          if (each === undefined) expect(faults[i]).toBeUndefined();
        });
      }),
    );
  });
});
