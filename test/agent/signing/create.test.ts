import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Wallet } from "ethers";
import { describe, expect, it, onTestFinished } from "vitest";
import { Committees } from "../../../src/agent/aggregation/committees.js";
import { createSessions, openGuard } from "../../../src/agent/signing/create.js";
import { markRestored } from "../../../src/agent/signing/restoreMarker.js";
import type { AnchorEntry } from "../../../src/client/anchors/anchor.js";
import type { ListAnchorsReturnType, NodeSummary } from "../../../src/client/index.js";
import type { HeliaContent } from "../../../src/ports/content/drivers/helia.js";
import type { Address } from "../../../src/records/index.js";
import { systemClock } from "../../../src/utils/clock.js";
import { createLogger } from "../../../src/utils/logger.js";
import { failingDisk } from "../../faults/failingDisk.js";
import { temporaryFolder } from "../../harness/folder.js";
import { patience } from "../../harness/patience.js";
import { startNode } from "../../ports/content/contentNodes.js";

const clock = systemClock;
const logger = createLogger("silent", () => undefined);
const wallets = [1, 2].map((digit) => new Wallet(`0x${`${digit}`.repeat(64)}`));
const [self, other] = wallets.map(({ address }) => address as Address) as [Address, Address];

/** The guard of a folder on a chain on which these have anchored. */
function guardOf(dataDir: string, ...authors: Address[]) {
  const entries = authors.map((author) => ({ author }) as AnchorEntry);
  return openGuard({
    ...{ dataDir, self, clock, logger, signed: () => 0 },
    client: { listAnchors: async () => ({ entries }) as unknown as ListAnchorsReturnType },
  });
}

describe("the guard of a folder", () => {
  it("without journals is that of a new node, unless the chain knows its key", async () => {
    const fresh = temporaryFolder();
    expect((await guardOf(fresh, other)).status).toMatchObject({ state: "signing", restore: null });
    expect((await guardOf(fresh, other, self)).status).toMatchObject({
      state: "listening",
      restore: { why: "journals-missing", until: null },
    });
    // It was written down: the journals are there the next time.
    await writeFile(join(fresh, "ballots.jsonl"), "");
    expect((await guardOf(fresh)).status.restore).toMatchObject({ why: "journals-missing", until: null });
  });

  it("with a journal, or that was restored, listens", async () => {
    const used = temporaryFolder();
    await writeFile(join(used, "outbox.jsonl"), "{}\n");
    await writeFile(join(used, "ballots.jsonl"), "");
    expect((await guardOf(used, self)).status).toMatchObject({ state: "listening", restore: null });
    const restored = temporaryFolder();
    await markRestored(restored, 7);
    expect((await guardOf(restored, self)).status).toMatchObject({ state: "listening", restore: { why: "restored" } });
  });
});

it("is that of a node that has lost its ballots where only they are missing, with all that is beside them", async () => {
  const dataDir = temporaryFolder();
  await writeFile(join(dataDir, "outbox.jsonl"), "{}\n");
  expect((await guardOf(dataDir)).status).toMatchObject({
    state: "listening",
    restore: { why: "journals-missing", until: null },
  });
});

describe("a folder without journals on a disk that takes no word of it", () => {
  it("signs nothing until it is written down, and is found again by the next start", async () => {
    const dataDir = temporaryFolder();
    using disk = failingDisk();
    disk.fail("write", "ENOSPC", ".tmp");
    const guard = await guardOf(dataDir, self);
    expect(guard.status).toMatchObject({
      state: "listening",
      restore: { why: "journals-missing", until: null },
      unsaved: expect.stringContaining("restored.json"),
    });
    // What a start does next.
    for (const name of ["outbox.jsonl", "ballots.jsonl"]) await writeFile(join(dataDir, name), "");
    const next = await guardOf(dataDir, self);
    expect(next.status).toMatchObject({ restore: { why: "journals-missing" }, unsaved: expect.any(String) });
    expect(next.permits({ since: 1, window: 0 })).toBe(false);
    disk.heal();
    expect(await next.rolledBack(2)).toBe(true);
    expect((await guardOf(dataDir, self)).status).toMatchObject({ restore: { lost: 2 }, unsaved: null });
  });
});

describe("two machines with one key", () => {
  it("hear of one another through a peer of both, over libp2p, and both stop", async () => {
    const keeper = await startNode();
    const dirs = [temporaryFolder(), temporaryFolder()];
    const peers = keeper.multiaddrs();
    const first = await startNode({ dir: dirs[0] ?? "", peers });
    await mkdir(dirs[1] ?? "", { recursive: true });
    await copyFile(join(dirs[0] ?? "", "identity.key"), join(dirs[1] ?? "", "identity.key"));
    const second = await startNode({ dir: dirs[1] ?? "", peers });
    expect(second.peerId).toBe(first.peerId);
    await expect.poll(() => [first.connections(), second.connections()], patience).toEqual([1, 1]);

    const nodes = [first, keeper].map(({ peerId }, index) => ({
      ...{ index, agent: wallets[index]?.address, operator: wallets[index]?.address, peerId },
      ...{ admittedAt: 1, removedAt: null },
    }));
    const committees = new Committees(nodes as NodeSummary[]);
    const run = async (content: HeliaContent, signer: Wallet) => {
      const dataDir = temporaryFolder();
      await writeFile(join(dataDir, "outbox.jsonl"), "");
      const guard = await guardOf(dataDir);
      const sessions = createSessions({
        ...{ self: signer.address as Address, guard, clock, logger, signer, streams: content.streams },
        signed: { journalled: 0, of: () => [], take: async () => undefined },
        context: { chainId: 31_337, governor: other },
      });
      await sessions.start();
      onTestFinished(() => sessions.stop());
      await sessions.update({ chainTime: 1, committees });
      return { guard, sessions };
    };
    const keeping = await run(keeper, wallets[1] as Wallet);
    const copies = [await run(first, wallets[0] as Wallet), await run(second, wallets[0] as Wallet)];
    const states = async () => {
      for (const { sessions } of copies) await sessions.ask();
      return copies.map(({ guard }) => guard.state);
    };
    await expect.poll(states, { ...patience, interval: 20 }).toEqual(["stopped", "stopped"]);
    expect(keeping.guard.state).toBe("listening");
  });
});
