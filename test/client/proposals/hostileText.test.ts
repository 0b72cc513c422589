import { keccak256 } from "ethers";
import { describe, expect, it } from "vitest";
import { openCatalog } from "../../../src/catalog/index.js";
import { proposeRaw, voteRaw } from "../../faults/hostileMember.js";
import { DECEPTIVE, NOT_UTF8 } from "../../faults/hostileText.js";
import { restartOf } from "../../harness/client/directives.js";
import { useTestDao } from "../../harness/dao.js";
import { proposalOf } from "../../harness/orders.js";

const dao = useTestDao({ nodes: 3 });
const encode = (text: string) => new TextEncoder().encode(text);
const AN_END = Uint8Array.of(...encode("Why not"), 0xc3);

describe("a proposal whose description is not UTF-8", () => {
  it("is listed with the others, and keeps the hash of its bytes", async () => {
    const before = await dao.client(1).openProposal(proposalOf(dao, restartOf("web/1")));
    const broken: Record<string, Uint8Array> = {};
    for (const bytes of Object.values(NOT_UTF8)) broken[await proposeRaw(dao.client(0), bytes)] = bytes;
    const after = await dao.client(2).openProposal(proposalOf(dao, restartOf("web/2")));
    const listed = await dao.client(1).listProposals();
    expect(listed.map(({ id }) => id).sort()).toEqual(
      [...Object.keys(broken), before.proposalId, after.proposalId].sort(),
    );
    for (const { id, description, descriptionHash, directive } of listed) {
      const bytes = broken[id];
      if (bytes === undefined) continue;
      expect(directive).toMatchObject({ kind: "SetFlag" });
      expect([description, descriptionHash]).toEqual([new TextDecoder().decode(bytes), keccak256(bytes)]);
    }
    // A client that is new reads the same events.
    expect(await (await dao.connect()).listProposals()).toHaveLength(listed.length);
  });

  it("is voted on, queued and executed, and watched until its end", async () => {
    const proposalId = await proposeRaw(dao.client(0), AN_END);
    const opened = await dao.client(1).getProposal({ proposalId });
    await dao.witan.increaseTime(Math.max(1, opened.start - (await dao.client().chain.now()) + 1));
    for (const index of [0, 1]) await voteRaw(dao.client(index), proposalId, "for", Uint8Array.of(0xff));
    const ballots = await dao.client(1).listBallots({ proposalId });
    expect(ballots.map(({ reason }) => reason)).toEqual(["\ufffd", "\ufffd"]);
    await dao.carryOut(proposalId);
    expect(await dao.client(2).getProposal({ proposalId })).toMatchObject({ state: "Executed" });
    const changes: string[] = [];
    const watching = new AbortController();
    for await (const { change } of dao.client(2).watchProposals({ signal: watching.signal })) {
      changes.push(change);
      if (change === "executed") watching.abort();
    }
    expect(changes).toEqual(["opened", "voted", "voted", "queued", "executed"]);
  });

  it("is not the one that nodes would open, and no reason for them to fail", async () => {
    const { calls, description, payload } = dao
      .client()
      .buildProposal({ order: { kind: "SetFlag", name: "hostile", value: true } });
    const proposalId = await proposeRaw(dao.client(0), Uint8Array.of(...encode(description), 0xc3), { calls });
    const proposal = await dao.client(1).getProposal({ proposalId });
    const codes = dao.client(1).checkProposal({ proposal, payload });
    expect(codes.map(({ code }) => code)).toEqual(["description-mismatch"]);
    expect(await dao.client(1).listDeviations({ proposal })).toBeInstanceOf(Array);
  });

  it("does not keep a catalog from all that is anchored after it", async () => {
    await proposeRaw(dao.client(0), AN_END);
    const { chain } = dao.client(1);
    const catalog = await openCatalog({ path: ":memory:", chain, content: dao.content });
    try {
      await catalog.sync();
      expect((await catalog.status()).block).toBe(await chain.blockNumber());
    } finally {
      await catalog.close();
    }
  });
});

it("shows a part of a description that is over 64 KiB, and keeps the hash of all", async () => {
  const bytes = encode("é".repeat(32_769));
  const proposalId = await proposeRaw(dao.client(0), bytes);
  const { description, descriptionHash } = await dao.client(1).getProposal({ proposalId });
  expect([description, descriptionHash]).toEqual([`${"é".repeat(32_768)}…`, keccak256(bytes)]);
});

it("reads a description exactly as it was written, whatever it would do to a terminal", async () => {
  const texts = Object.values(DECEPTIVE).filter((text) => text.isWellFormed());
  const proposalId = await proposeRaw(dao.client(0), encode(texts.join("\n")));
  expect((await dao.client(1).getProposal({ proposalId })).description).toBe(texts.join("\n"));
});
