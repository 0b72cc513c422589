import { describe, expect, it } from "vitest";
import { readPayload } from "../../../src/client/proposals/readPayload.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import { contentIdOf, contentIdToCid, encodePayload, type Order } from "../../../src/records/index.js";
import { noting } from "../../harness/fakeClient.js";
import { idOf, orders, payloadOf } from "../../records/samples.js";

const payload = payloadOf(orders[0] as Order);
const { bytes, cid, contentId } = encodePayload(payload);
const content = createMemoryContent(new Map([[cid, bytes]]));

describe("a payload", () => {
  it("is what its ContentId stands for", async () => {
    expect(await readPayload({ content }, { contentId })).toEqual(payload);
  });

  it("is fetched within the caller's time, and by its signal", async () => {
    const asked: unknown[][] = [];
    const store = { ...content, get: noting(asked, bytes) };
    const { signal } = new AbortController();
    await readPayload({ content: store }, { contentId, timeoutMs: 7, signal });
    await readPayload({ content: store }, { contentId });
    expect(asked).toEqual([
      [cid, { timeoutMs: 7, signal }],
      [cid, {}],
    ]);
  });

  it("fails with the store's error where nobody has it", async () => {
    await expect(readPayload({ content }, { contentId: idOf("nothing") })).rejects.toMatchObject({
      code: "content-missing",
    });
  });

  it("is refused where its bytes break the schema", async () => {
    const wrong = new Uint8Array([0xa0]);
    const id = contentIdOf(wrong);
    const store = createMemoryContent(new Map([[contentIdToCid(id), wrong]]));
    await expect(readPayload({ content: store }, { contentId: id })).rejects.toMatchObject({ code: "invalid-record" });
  });

  it("is not fetched once the signal has aborted", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(readPayload({ content }, { contentId, signal })).rejects.toThrow("enough");
  });
});
