import { id } from "ethers";
import { describe, expect, it } from "vitest";
import { hashReport } from "../../../../src/ports/chain/typedData/report.js";
import type { Hex } from "../../../../src/records/index.js";

describe("the digest of a report", () => {
  it("differs for every other chain, registry, directive, report and outcome", () => {
    const context = { chainId: 31_337, directives: "0x00000000000000000000000000000000000000A1" as const };
    const report = { directiveId: id("directive") as Hex, report: 2, outcome: id("outcome") as Hex };
    const digests = [
      hashReport(context, report),
      hashReport({ ...context, chainId: 1 }, report),
      hashReport({ ...context, directives: "0x00000000000000000000000000000000000000A2" }, report),
      hashReport(context, { ...report, directiveId: id("another directive") as Hex }),
      hashReport(context, { ...report, report: 3 }),
      hashReport(context, { ...report, outcome: id("another outcome") as Hex }),
    ];
    expect(new Set(digests).size).toBe(digests.length);
    expect(hashReport(context, { ...report })).toBe(digests[0]);
  });
});
