import { AbiCoder, concat, getBytes, type Interface, keccak256, ParamType } from "ethers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NodeGovernor__factory } from "../../../../src/ports/chain/bindings/index.js";
import { contractInterfaces } from "../../../../src/ports/chain/contracts/contracts.js";
import { decodeRaw, interfaceOf, MAX_CHAIN_TEXT_BYTES } from "../../../../src/ports/chain/contracts/interface.js";
import { decodeText } from "../../../../src/utils/text/decode.js";
import { anyBytes } from "../../../faults/hostileText.js";

const coder = AbiCoder.defaultAbiCoder();
const face: Interface = contractInterfaces.NodeGovernor;
const encoded = (types: string[], values: unknown[]) =>
  coder.encode(
    types.map((type) => type.replace("string", "bytes")),
    values,
  );

describe("a text from the chain", () => {
  it("is read whatever its bytes are: in lists, in structs and alone", () => {
    const struct = ParamType.from("tuple(uint256 id, string name, tuple(string a, bool b)[2] inner) item");
    const params = [ParamType.from("string text"), ParamType.from("string[] list"), struct, ParamType.from("uint8 n")];
    const abi = [{ type: "function", name: "f", inputs: params.map((param) => JSON.parse(param.format("json"))) }];
    const own = interfaceOf({ abi, createInterface: () => face });
    fc.assert(
      fc.property(fc.array(anyBytes(48), { minLength: 5, maxLength: 5 }), ([one, two, three, four, five]) => {
        const types = ["string", "string[]", "tuple(uint256,bytes,tuple(bytes,bool)[2])", "uint8"];
        const inner = [
          [four, true],
          [five, false],
        ];
        const data = concat([
          own.getFunction("f")?.selector ?? "0x",
          encoded(types, [one, [two, three], [7, three, inner], 9]),
        ]);
        const values = own.decodeFunctionData("f", data);
        const text = (bytes: Uint8Array | undefined) => decodeText(bytes ?? new Uint8Array());
        expect(values.toObject(true)).toEqual({
          text: text(one),
          list: [text(two), text(three)],
          item: {
            id: 7n,
            name: text(three),
            inner: [
              { a: text(four), b: true },
              { a: text(five), b: false },
            ],
          },
          n: 9n,
        });
      }),
      { numRuns: 50 },
    );
  });

  it("is cut where it has megabytes", () => {
    const data = encoded(["string"], [new Uint8Array(2_000_000).fill(0x61)]);
    const values = face.decodeFunctionResult("name", data);
    expect(values[0]).toHaveLength(MAX_CHAIN_TEXT_BYTES + 1);
  });

  it("has its bytes still, for their hash", () => {
    const inputs = NodeGovernor__factory.createInterface().getFunction("castVoteWithReason").inputs;
    const raw = decodeRaw(inputs, encoded(["uint256", "uint8", "string"], [1, 1, "0xc3"]));
    expect(keccak256(getBytes(raw.getValue("reason")))).toBe(keccak256("0xc3"));
  });
});
