import { beforeEach, describe, expect, it } from "vitest";
import { type AnchorJointlyParameters, anchorJointly } from "../../../src/client/actions/anchorJointly.js";
import { encodeG2, loadBls } from "../../../src/ports/keys/index.js";
import { contextOf, revertOf } from "../../harness/fakeClient.js";
import { idOf } from "../../records/samples.js";

const message = { epoch: 4, root: idOf("root"), batches: 2, manifest: idOf("list"), deadline: 900 };
const receipt = { hash: idOf("transaction"), blockNumber: 9, gasUsed: 1n, logs: [] };
let sent: unknown[][];
beforeEach(() => {
  sent = [];
});

function anchor(
  parameters: Partial<AnchorJointlyParameters>,
  { refusal, ...parts }: { refusal?: unknown; account?: undefined } = {},
) {
  const client = contextOf({
    ...parts,
    chain: {
      contracts: { knowledge: { anchorJointly: async (...args: unknown[]) => sent.push(args) } },
      send: async (transact: () => Promise<unknown>) => {
        await transact();
        if (refusal !== undefined) throw refusal;
        return receipt;
      },
    },
  });
  return anchorJointly(client, { ...message, signatures: [], ...parameters });
}

async function signatures() {
  const bls = await loadBls();
  const sign = (index: number) => bls.sign(new Uint8Array(32).fill(index + 1), new Uint8Array(32));
  return { bls, signed: [1, 0].map((index) => ({ index, signature: sign(index) })) };
}

describe("a joint anchor", () => {
  it("goes in one transaction, with the sum of the signatures and the set of who signed", async () => {
    const { bls, signed } = await signatures();
    expect(await anchor({ signatures: signed })).toBe(receipt);
    const sum = encodeG2(bls.aggregate(signed.map(({ signature }) => signature)));
    expect(sent).toEqual([[message, [0b11n], sum]]);
  });

  it("fails with the registry's refusal", async () => {
    const { signed } = await signatures();
    const refusal = revertOf("KnowledgeRegistryLapsed");
    await expect(anchor({ signatures: signed }, { refusal })).rejects.toBe(refusal);
  });

  it("is not sent without an account, without a signature, or once the signal has aborted", async () => {
    const { signed } = await signatures();
    await expect(anchor({ signatures: signed }, { account: undefined })).rejects.toMatchObject({ code: "read-only" });
    await expect(anchor({})).rejects.toMatchObject({ code: "invalid-input" });
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(anchor({ signatures: signed, signal })).rejects.toThrow("enough");
    expect(sent).toEqual([]);
  });
});
