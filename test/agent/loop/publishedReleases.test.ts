import { describe, expect, it } from "vitest";
import { createPublisherKey, publisherKeyOf, signRelease } from "../../../src/ports/keys/index.js";
import type { Order, Release } from "../../../src/records/index.js";
import { createVotingNode } from "./votingNode.js";

const secret = createPublisherKey();
const key = publisherKeyOf(secret);
const release = signRelease(secret, {
  ...{ schema: "witan/release-contents/1", workload: "web", name: "v2", command: ["node", "v2.mjs"], env: {} },
  files: [{ path: "v2.mjs", sha256: `0x${"22".repeat(32)}` }],
});
/** Orders that differ, since a proposal that was left to people stays theirs. */
const deploy = (batch: number, its: Release = release): Order => ({
  ...{ kind: "Deploy", workload: "web", batch },
  release: its,
});

describe("a signed release", () => {
  it("gets a ballot from an agent as long as the DAO admits its publisher", async () => {
    const { decide, mesh, propose, seen } = await createVotingNode();
    seen.workloads.add("web");
    expect(await decide(await propose(deploy(1)))).toBeUndefined();

    await mesh.dao.carryOut((await propose({ kind: "AdmitPublisher", key, name: "release team" })).id);
    expect(await decide(await propose(deploy(2)))).toMatchObject({ support: "for" });
    const { signed } = release;
    const forged = { ...release, signed: signed && { ...signed, signature: `0x${"00".repeat(64)}` as const } };
    expect(await decide(await propose(deploy(3, forged)))).toBeUndefined();

    await mesh.dao.carryOut((await propose({ kind: "RevokePublisher", key, reason: "its key was stolen" })).id);
    expect(await decide(await propose(deploy(4)))).toBeUndefined();
  });
});
