import { expect, it } from "vitest";
import { fetchRecord } from "../../../src/client/actions/fetchRecord.js";
import { createClientContext } from "../../../src/client/client.js";
import { contentIdToCid } from "../../../src/records/index.js";
import { NODE } from "../../records/samples.js";
import { ListedAnchors } from "../anchors/listedAnchors.js";

const HOUR = 3_600_000;
const steps = [-HOUR, HOUR];

it.each(steps)(
  "fetches a record in the time that is left if the wall clock is stepped by %i ms meanwhile",
  async (step) => {
    const listed = new ListedAnchors();
    const { record, manifest } = listed.anchor("web/1");
    const client = createClientContext(listed);
    listed.meanwhile = (cid) => {
      if (cid !== contentIdToCid(manifest)) return;
      listed.clock.stepWall(step);
      listed.clock.pass(3_000);
    };
    const found = await fetchRecord(client, { contentId: record, kind: "Incident", timeoutMs: 10_000 });
    expect(found).toMatchObject({ contentId: record, author: NODE, value: { subject: "web/1" } });
    expect(listed.asked).toEqual([
      { cid: contentIdToCid(manifest), timeoutMs: 5_000 },
      { cid: contentIdToCid(record), timeoutMs: 7_000 },
    ]);
  },
);

it.each(steps)("finds a record after a manifest was out of reach for a moment, stepped by %i ms", async (step) => {
  const listed = new ListedAnchors();
  const { record, manifest } = listed.anchor("web/1");
  const client = createClientContext(listed);
  const fetched = () => fetchRecord(client, { contentId: record });
  listed.withhold(manifest);
  await expect(fetched()).rejects.toMatchObject({ code: "not-anchored", retryable: true });
  listed.clock.stepWall(step);
  listed.deliver();
  listed.clock.pass(1_999);
  await expect(fetched()).rejects.toMatchObject({ code: "not-anchored", retryable: true });
  listed.clock.pass(1);
  expect(await fetched()).toMatchObject({ contentId: record });
});
