import { expect, it } from "vitest";
import { VoteDefaults } from "../../../src/policy/index.js";
import { createMemoryContent } from "../../../src/ports/content/index.js";
import type { Address, Order } from "../../../src/records/index.js";
import { operatorKey } from "../../harness/deploy.js";
import { downIncident } from "../../harness/listedFleet.js";
import { createVotingNode } from "./votingNode.js";

const restart: Order = { kind: "Restart", replica: "web/3", instance: "web-3/1" };

/** What a node decides on a restart of what it does not see, on an incident that node 0 has anchored. */
async function decisionWith(...hosts: readonly number[]) {
  const policy = { hosts: { web: hosts.map((index) => operatorKey(index).address as Address) } };
  const { anchor, decide, propose } = await createVotingNode({ policy });
  const { contentId } = await anchor({ kind: "Incident", value: downIncident("web/3", "web-3/1") });
  return decide(await propose(restart, contentId));
}

/** The same, so many seconds after the host has said it; node 1, no host, has said the same again if it is asked to. */
async function decisionAfter(seconds: number, again = false) {
  const policy = { hosts: { web: [operatorKey(0).address as Address] } };
  const { anchor, blocks, decide, mesh, propose } = await createVotingNode({ policy });
  const value = downIncident("web/3", "web-3/1");
  const { contentId } = await anchor({ kind: "Incident", value });
  await mesh.dao.witan.increaseTime(seconds);
  if (again) {
    const other = await mesh.dao.connect(mesh.dao.witan.operators[1], createMemoryContent(blocks));
    await other.anchorRecords({ records: [{ kind: "Incident", value }] });
  }
  return decide(await propose(restart, contentId));
}

it("believes a host for as long as evidence counts, whoever repeats it later", async () => {
  const limit = VoteDefaults.maxEvidenceSeconds;
  expect(await decisionAfter(limit - 3_600)).toMatchObject({ support: "for" });
  expect(await decisionAfter(limit + 3_600)).toBeUndefined();
  expect(await decisionAfter(limit + 3_600, true)).toBeUndefined();
});

it("takes a host's word about a replica that it does not see", async () => {
  expect(await decisionWith(1, 0)).toMatchObject({ support: "for", reason: expect.stringContaining("a host says so") });
});

it("says nothing on the word of a member that is no host, or where its operator has named none", async () => {
  expect(await decisionWith(1)).toBeUndefined();
  expect(await decisionWith()).toBeUndefined();
});
