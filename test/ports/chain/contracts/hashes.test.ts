import { Interface, id } from "ethers";
import { describe, expect, it, vi } from "vitest";
import { withHashes } from "../../../../src/ports/chain/contracts/hashes.js";

const abi = [
  "function pay(uint256 sum)",
  "event Paid(address indexed by)",
  "event Other()",
  "error Poor(uint256 lacks)",
];

describe("an interface with remembered hashes", () => {
  it("finds and encodes the same as without", () => {
    const [plain, face] = [new Interface(abi), withHashes(new Interface(abi))];
    const topic = id("Paid(address)");
    expect(face.getEvent(topic)?.name).toBe("Paid");
    expect(face.getEvent("Paid")?.topicHash).toBe(topic);
    expect(face.getFunction(id("pay(uint256)").slice(0, 10))?.name).toBe("pay");
    expect(face.getFunction("0x00000000")).toBeNull();
    expect(face.encodeFunctionData("pay", [7])).toBe(plain.encodeFunctionData("pay", [7]));
    const refusal = plain.encodeErrorResult("Poor", [3]);
    expect(face.parseError(refusal)?.name).toBe("Poor");
  });

  it("hashes each signature once, however often it is searched", () => {
    const face = withHashes(new Interface(abi));
    const formats = face.fragments.map((fragment) => vi.spyOn(fragment, "format"));
    for (let times = 0; times < 3; times++) {
      face.getEvent(id("Other()"));
      face.getFunction(id("pay(uint256)").slice(0, 10));
    }
    const hashed = formats.map(({ mock }) => mock.calls.filter(([format]) => format === "sighash").length);
    expect(hashed).toEqual([1, 1, 1, 0]);
  });
});
