import { describe, expect, it } from "vitest";
import type { AnchoredLeaf, UnreadAnchor } from "../../../src/client/anchors/anchor.js";
import { createAnchorIndex } from "../../../src/client/anchors/anchorIndex.js";
import { walkAnchors } from "../../../src/client/anchors/walkAnchors.js";
import type { NodeSummary } from "../../../src/client/nodes/node.js";
import { contentIdToCid } from "../../../src/records/index.js";
import { NODE, OTHER } from "../../records/samples.js";
import { ListedAnchors } from "./listedAnchors.js";

const HOUR = 3_600_000;
const steps = [-HOUR, HOUR];
/** The pause after a first failed read. */
const PAUSE_MS = 2_000;
const authors = [NODE, OTHER];

function reading() {
  const listed = new ListedAnchors();
  const { chain, clock, content } = listed;
  const nodes = authors.map((agent, index) => ({ index, agent }) as NodeSummary);
  const anchors = createAnchorIndex({ chain, clock, content, membership: { read: async () => nodes } });
  return { anchors, clock, listed };
}

describe("a manifest", () => {
  it.each(steps)(
    "that failed is asked for after the usual pause if the wall clock is stepped by %i ms",
    async (step) => {
      const { anchors, clock, listed } = reading();
      const { manifest } = listed.anchor("web/1");
      const [entry] = (await anchors.anchors()).entries;
      if (entry === undefined) throw new Error("the anchor is not listed");
      const read = () => anchors.leaves(entry, { timeoutMs: 1_000 });
      listed.withhold(manifest);
      await expect(read()).rejects.toMatchObject({ code: "content-missing" });

      clock.stepWall(step);
      listed.deliver();
      clock.pass(PAUSE_MS - 1);
      await expect(read()).rejects.toMatchObject({ code: "content-missing" });
      expect(listed.asked).toHaveLength(1);
      clock.pass(1);
      expect(await read()).toHaveLength(1);
      expect(listed.asked).toHaveLength(2);

      // What was read once is remembered through another step.
      clock.stepWall(-step);
      expect(await read()).toHaveLength(1);
      expect(listed.asked).toHaveLength(2);
    },
  );
});

describe("a walk through anchors", () => {
  it.each(steps)("ends no earlier and no later if the wall clock is stepped by %i ms meanwhile", async (step) => {
    const { anchors, clock, listed } = reading();
    const written = Array.from({ length: 12 }, (_, i) => listed.anchor(`web/${i}`).record);
    const { entries } = await anchors.anchors();
    let isStepped = false;
    listed.meanwhile = () => {
      if (isStepped) return;
      isStepped = true;
      clock.stepWall(step);
      clock.pass(2_000);
    };
    const unread: UnreadAnchor[] = [];
    const found: AnchoredLeaf[] = [];
    for await (const leaves of walkAnchors({ anchors, clock }, entries, { timeoutMs: 6_000 }, unread)) {
      found.push(...leaves);
    }
    expect(found.map(({ contentId }) => contentId)).toEqual([...written].reverse());
    expect(unread).toEqual([]);
    // Eight at a time, each with the most that one manifest gets, or what the walk has left.
    expect(listed.asked.map(({ timeoutMs }) => timeoutMs)).toEqual([...Array(8).fill(5_000), ...Array(4).fill(4_000)]);
  });
});

describe("joint anchors", () => {
  it.each(steps)("are waited for as long as ever if the wall clock is stepped by %i ms meanwhile", async (step) => {
    const { anchors, clock, listed } = reading();
    listed.anchorJointly(authors);
    let come: () => void = () => undefined;
    const onItsWay = new Promise<void>((resolve) => {
      listed.meanwhile = () => {
        resolve();
        return new Promise<void>((arrive) => {
          come = arrive;
        });
      };
    });
    const first = anchors.anchors();
    await onItsWay;
    clock.stepWall(step);
    expect(listed.ring()).toEqual([2_000]);
    expect(await first).toMatchObject({ entries: [], unread: [{ anchor: { author: null } }] });

    // The same fetch continues, and nothing is fetched twice.
    const second = anchors.anchors();
    clock.stepWall(-step);
    come();
    expect((await second).entries.map(({ author }) => author)).toEqual(authors);
    expect(listed.asked).toHaveLength(1);
  });

  it.each(steps)("that failed are asked for after the usual pause if it is stepped by %i ms", async (step) => {
    const { anchors, clock, listed } = reading();
    const manifest = listed.anchorJointly(authors);
    listed.withhold(manifest);
    expect((await anchors.anchors()).unread).toHaveLength(1);
    clock.stepWall(step);
    listed.deliver();
    clock.pass(PAUSE_MS - 1);
    expect((await anchors.anchors()).unread).toMatchObject([{ error: { code: "content-missing" } }]);
    clock.pass(1);
    const { entries, unread } = await anchors.anchors();
    expect([entries.map(({ author }) => author), unread]).toEqual([authors, []]);
    expect(listed.asked.map(({ cid }) => cid)).toEqual([contentIdToCid(manifest), contentIdToCid(manifest)]);
  });
});
