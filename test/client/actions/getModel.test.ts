import { describe, expect, it } from "vitest";
import { getModel } from "../../../src/client/actions/getModel.js";
import { encodeName, NO_CONTENT } from "../../../src/ports/chain/index.js";
import { contextOf, revertOf } from "../../harness/fakeClient.js";
import { idOf } from "../../records/samples.js";

const model = { model: idOf("model"), parent: idOf("parent"), round: 3n, version: 2n, acceptedAt: 100n };
const none = { model: NO_CONTENT, parent: NO_CONTENT, round: 0n, version: 0n, acceptedAt: 0n };

/** A registry with two versions of the model `mnist`. */
const client = contextOf({
  chain: {
    contracts: {
      models: {
        accepted: async (name: string) => (name === encodeName("mnist") ? model : none),
        acceptedVersion: async (_name: string, version: number) => {
          if (version < 1 || version > 2) throw revertOf("ModelRegistryUnknownVersion");
          return version === 2 ? model : { ...model, version: 1n, parent: NO_CONTENT };
        },
      },
    },
  },
});

describe("the accepted model of a name", () => {
  it("is the newest unless a version is named", async () => {
    const newest = { name: "mnist", model: model.model, parent: model.parent, round: 3, version: 2, acceptedAt: 100 };
    expect(await getModel(client, { name: "mnist" })).toEqual(newest);
    expect(await getModel(client, { name: "mnist", version: 1 })).toEqual({ ...newest, version: 1, parent: null });
  });

  it("is null where none was accepted", async () => {
    expect(await getModel(client, { name: "unknown" })).toBeNull();
  });

  it.each([0, 3])("is refused by the contract in the version %d", async (version) => {
    await expect(getModel(client, { name: "mnist", version })).rejects.toMatchObject({
      errorName: "ModelRegistryUnknownVersion",
    });
  });

  it.each(["", "a".repeat(32)])("is refused for a name that no contract stores: %j", async (name) => {
    await expect(getModel(client, { name })).rejects.toMatchObject({ code: "invalid-input" });
  });

  it("is not waited for once the signal has aborted", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(getModel(client, { name: "mnist", signal })).rejects.toThrow("enough");
  });
});
