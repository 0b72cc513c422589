import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { type SourceFile, sourceFiles } from "./source.js";

/** A folder with more loose files wants folders of its own. */
const MAX_LOOSE_FILES = 12;

/** Names that are still declared twice. Nothing new belongs here. */
const doublesLeft: readonly string[] = [];

/** Folders that are still crowded. Nothing new belongs here. */
const crowdedLeft: readonly string[] = [
  "catalog",
  "client/actions",
  "engines/fleet",
  "engines/learning",
  "records",
  "surfaces/cli/commands",
];

/** Files whose comments still have such words. Nothing new belongs here. */
const unclearLeft: readonly string[] = [
  "agent/aggregation/batchVerifier.ts",
  "agent/aggregation/gossipGate.ts",
  "agent/aggregation/peerRateLimiter.ts",
  "agent/aggregation/rebroadcast.ts",
  "agent/anchoring/exchange.ts",
  "agent/anchoring/jointManifest.ts",
  "agent/anchoring/message.ts",
  "agent/anchoring/pool.ts",
  "agent/anchoring/sender.ts",
  "agent/anchoring/validator.ts",
  "agent/attestations/exchange.ts",
  "agent/attestations/message.ts",
  "agent/attestations/openDirectives.ts",
  "agent/attestations/pool.ts",
  "agent/attestations/settler.ts",
  "agent/ballots/equivocationIncident.ts",
  "agent/ballots/exchange.ts",
  "agent/ballots/message.ts",
  "agent/ballots/settler.ts",
  "agent/ballots/validator.ts",
  "agent/handlers/learning.ts",
  "agent/handlers/roundTransport.ts",
  "agent/loop/executor.ts",
  "agent/loop/fastLane.ts",
  "agent/loop/knowledge.ts",
  "agent/loop/mapek.ts",
  "agent/loop/monitor/machine.ts",
  "agent/loop/voter.ts",
  "agent/node.ts",
  "agent/outbox/outbox.ts",
  "agent/replication/expiry.ts",
  "agent/replication/message.ts",
  "agent/replication/retentionReader.ts",
  "catalog/awaited.ts",
  "catalog/catalog.ts",
  "catalog/watch.ts",
  "client/actions/getModel.ts",
  "client/actions/openProposal.ts",
  "client/aggregateSignatures.ts",
  "client/anchors/walkAnchors.ts",
  "client/directives/report.ts",
  "client/nodes/membership.ts",
  "client/proposals/directiveCall.ts",
  "client/proposals/readProposal.ts",
  "engines/fleet/health.ts",
  "engines/fleet/plan.ts",
  "engines/fleet/proc.ts",
  "engines/fleet/rollout.ts",
  "engines/fleet/types.ts",
  "engines/fleet/workload.ts",
  "engines/learning/coordinator.ts",
  "engines/learning/fedavg.ts",
  "engines/learning/task.ts",
  "engines/learning/weights.ts",
  "policy/attest.ts",
  "policy/retention.ts",
  "ports/chain/contracts/calls.ts",
  "ports/chain/names.ts",
  "ports/chain/rpc/blockHeader.ts",
  "ports/chain/rpc/developmentChain.ts",
  "ports/chain/transactions/anchorTransaction.ts",
  "ports/chain/typedData/ballot.ts",
  "ports/content/backup/backupFile.ts",
  "ports/content/bitswap/inflight.ts",
  "ports/content/bitswap/wantRequests.ts",
  "ports/content/content.ts",
  "ports/content/drivers/gateway.ts",
  "ports/content/drivers/helia.ts",
  "ports/content/drivers/kubo.ts",
  "ports/content/drivers/memory.ts",
  "ports/content/maintenance.ts",
  "ports/content/store/blockKeys.ts",
  "ports/content/store/pins.ts",
  "ports/content/store/scrub.ts",
  "ports/content/store/verifiedBlocks.ts",
  "ports/keys/bls/library.ts",
  "ports/keys/envelope.ts",
  "records/jointManifest.ts",
  "records/merkle.ts",
  "records/model.ts",
  "records/proof.ts",
  "surfaces/http/catalogRoutes.ts",
];

/** Names of exported types that two or more files declare. */
function doublesIn(files: readonly SourceFile[]): string[] {
  const places = new Map<string, Set<string>>();
  for (const { path, source } of files) {
    const declared = source.matchAll(
      /^export (?:declare )?(?:abstract )?(?:const )?(?:interface|type|class|enum) (\w+)/gm,
    );
    for (const [, name = ""] of declared) places.set(name, (places.get(name) ?? new Set()).add(path));
  }
  return [...places].flatMap(([name, paths]) => (paths.size > 1 ? [name] : [])).sort();
}

/** Folders with too many loose files. */
function crowdedIn(files: readonly Pick<SourceFile, "path">[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of files) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return [...counts].flatMap(([folder, count]) => (count > MAX_LOOSE_FILES ? [folder] : [])).sort();
}

/** Words that hide who acts or what is the case: name the role, say "undefined if". */
const UNCLEAR = /\b(whoever|is none|of whom)\b/i;

/** The comments of a file, a line break between them. */
function commentsOf(source: string): string {
  return [...source.matchAll(/\/\*[\s\S]*?\*\/|(?:^|\s)\/\/.*$/gm)]
    .map(([comment]) => comment.replaceAll(/\s*\n\s*\*?\s*/g, " "))
    .join("\n");
}

const unclearIn = (files: readonly SourceFile[]) =>
  files.filter(({ source }) => UNCLEAR.test(commentsOf(source))).map(({ path }) => path);

describe("the house's names and words", () => {
  const files = sourceFiles();

  it("declares each exported type name once", () => {
    expect(doublesIn(files).filter((name) => !doublesLeft.includes(name))).toEqual([]);
  });

  it(`has no folder with more than ${MAX_LOOSE_FILES} loose files`, () => {
    expect(crowdedIn(files).filter((folder) => !crowdedLeft.includes(folder))).toEqual([]);
  });

  it("has comments that name the actor", () => {
    expect(unclearIn(files).filter((path) => !unclearLeft.includes(path))).toEqual([]);
  });

  it("notices a type name that is declared twice, whatever kind of type it is", () => {
    const files = [
      { path: "a.ts", source: "export interface Entry {}\nexport type Own = 1;" },
      { path: "b.ts", source: "export class Entry {}\ntype Own = 2;" },
      { path: "c.ts", source: 'export type { Own } from "./a.js";' },
    ];
    expect(doublesIn(files)).toEqual(["Entry"]);
  });

  it("notices a crowded folder", () => {
    const paths = Array.from({ length: MAX_LOOSE_FILES + 1 }, (_, i) => ({ path: `a/${i}.ts` }));
    expect(crowdedIn(paths)).toEqual(["a"]);
    expect(crowdedIn([...paths.slice(1), { path: "a/b/0.ts" }])).toEqual([]);
  });

  it.each([
    "// Whoever asks.",
    "/** Undefined where there\n * is none. */",
    "/* The peer of whom it asks. */",
    "x; // whoever",
  ])("notices the comment %s", (source) => expect(unclearIn([{ path: "a.ts", source }])).toEqual(["a.ts"]));

  it("does not take code for a comment", () => {
    expect(unclearIn([{ path: "a.ts", source: 'const text = "whoever"; const url = "http://of whom";' }])).toEqual([]);
  });
});
