import { execFile } from "node:child_process";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { decode } from "@ipld/dag-cbor";
import { SimpleMerkleTree } from "@openzeppelin/merkle-tree";
import { Contract, JsonRpcProvider } from "ethers";
import { CID } from "multiformats/cid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadMnist } from "../../src/engines/learning/index.js";
import { float32Values, parseSafetensors } from "../../src/records/index.js";
import { accuracyOf } from "./accuracyOf.js";
import { createOtherClient } from "./otherClient.js";
import { processesNaming, type RunningStory, runStory, STORY_MS, type StoryOptions } from "./running.js";

const ROOT = resolve(import.meta.dirname, "..", "..");
const CLI = join(ROOT, "dist", "surfaces", "cli", "main.js");
const run = promisify(execFile);

/** The enum of the contract. */
const KINDS = ["State", "Model", "Incident", "Outcome"];
const digestOf = (cid: string) => `0x${Buffer.from(CID.parse(cid).multihash.digest).toString("hex")}`;
const unique = <T>(values: readonly T[]) => new Set(values).size;
const same = (one: string, two: string) => one.toLowerCase() === two.toLowerCase();

/** Has the story told on a chain, and checks all that it claims by means of its own: the chain, another IPFS client, arithmetic. */
export function tellsTheStory(chain: string, { kills, rpc, seed }: StoryOptions): void {
  let running: RunningStory;
  let provider: JsonRpcProvider;
  let other: Awaited<ReturnType<typeof createOtherClient>>;

  const at = async (contract: string) => {
    const { abi } = JSON.parse(await readFile(join(ROOT, "dist", "artifacts", `${contract}.json`), "utf8"));
    return new Contract(running.story.contracts[contract] ?? "", abi, provider);
  };

  describe(`the story on ${chain}, while agents are killed ${kills} times with SIGKILL (seed ${seed})`, () => {
    beforeAll(async () => {
      running = await runStory({ kills, rpc, seed });
      provider = new JsonRpcProvider(running.story.network.rpc);
      other = await createOtherClient(running.story.nodes.flatMap(({ multiaddrs }) => multiaddrs));
    }, STORY_MS + 20_000);

    afterAll(async () => {
      await other?.close();
      provider?.destroy();
      await running?.close();
    });

    it("is told to its end", () => {
      const { story, output } = running;
      if (kills > 0) expect(output()).toContain(`${kills} agents were killed`);
      expect(story.nodes).toHaveLength(5);
      const told = story.directives.map(({ kind, outcome }) => `${kind} ${outcome?.result}`);
      const wanted = ["Restart done", "Deploy failed", "Rollback done", "SetFlag done", "StartRound done"];
      expect(told.filter((each) => wanted.includes(each)).slice(0, wanted.length)).toEqual(wanted);
      expect(told.at(-1)).toBe("AcceptModel done");
      expect(story.refused.map(({ error }) => error)).toEqual([
        expect.stringContaining("GovernorAlreadyCastVote"),
        expect.stringContaining("Defeated by 4 to 1: evidence"),
        "0 of the 3 votes For that it needs",
      ]);
      for (const { attestedBy } of story.directives) expect(unique(attestedBy)).toBeGreaterThanOrEqual(3);
    });

    it("names only records that another IPFS client can fetch, each under the hash of its bytes", async () => {
      const kinds = new Map<string, number>();
      for (const { contentId, kind } of running.story.records) {
        const record = decode<{ schema: string }>(await other.fetch(contentId));
        expect(record.schema).toBe(`witan/${kind.toLowerCase()}/1`);
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
      expect([...kinds.keys()].sort()).toEqual(["Incident", "Model", "Outcome", "State"]);
      const known = new Set(running.story.records.map(({ contentId }) => contentId));
      const cited = running.story.directives.flatMap(({ evidence, outcome }) => [
        ...evidence,
        outcome?.contentId ?? "",
      ]);
      for (const contentId of cited) expect(known).toContain(contentId);
    }, 180_000);

    it("names only transactions on chain, and roots that they anchored and the leaves prove", async () => {
      const { records, directives, contracts } = running.story;
      const registry = await at("KnowledgeRegistry");
      for (const { leaf, proof, root, anchorTx, author, contentId, joint, kind } of records) {
        expect(SimpleMerkleTree.verify(root, leaf, proof)).toBe(true);
        const receipt = await provider.getTransactionReceipt(anchorTx);
        const anchored = (receipt?.logs ?? [])
          .filter(({ address }) => same(address, contracts.KnowledgeRegistry ?? ""))
          .map((log) => registry.interface.parseLog(log));
        if (joint === null) {
          const own = anchored.filter((event) => event?.name === "Anchored" && event.args.root === root);
          expect(own.some((event) => same(event?.args.author, author))).toBe(true);
          continue;
        }
        const { batch, batches, deadline, epoch, manifest, path } = joint;
        const together = anchored.filter(
          (event) => event?.name === "JointlyAnchored" && event.args.root === joint.root,
        );
        expect(together.some((event) => (BigInt(event?.args.authors[0]) >> BigInt(batch.index)) & 1n)).toBe(true);
        const said = [
          { root: joint.root, epoch, batches, manifest, deadline },
          { ...batch, author, root, deadline: 0 },
        ];
        const holds = await registry.verifyJointly?.(...said, path, KINDS.indexOf(kind), digestOf(contentId), proof);
        expect(holds).toBe(true);
      }
      for (const { issuedTx } of directives)
        expect(await provider.getTransactionReceipt(issuedTx)).toMatchObject({ status: 1 });
    }, 120_000);

    it("has every record anchored once by an author, one proposal a directive and one report a node", async () => {
      const { records, directives } = running.story;
      expect(unique(records.map(({ author, contentId }) => `${author} ${contentId}`))).toBe(records.length);
      expect(unique(directives.map(({ proposalId }) => proposalId))).toBe(directives.length);
      const restarts = directives.filter(({ kind }) => kind === "Restart");
      expect(unique(restarts.flatMap(({ evidence }) => evidence))).toBe(restarts.length);
      const rounds = records.filter(({ kind }) => kind === "Model").map(({ contentId }) => contentId);
      expect(unique(rounds)).toBe(unique(running.story.rounds.map(({ contentId }) => contentId)));
    });

    it("has one ballot of each node on each proposal, in its journal and on chain", async () => {
      const governor = await at("NodeGovernor");
      const { nodes } = running.story;
      const key = (voter: string, proposalId: unknown) => `${voter.toLowerCase()} ${proposalId}`;
      const supports = ["against", "for", "abstain"];
      const counted: [string, number][] = [];
      for (const log of await governor.queryFilter("VoteCast")) {
        const args = governor.interface.parseLog(log)?.args;
        counted.push([key(args?.voter, args?.proposalId), Number(args?.support)]);
      }
      const together = await governor.queryFilter("BallotsCounted");
      for (const log of together) {
        const args = governor.interface.parseLog(log)?.args;
        for (const [support, set] of [args?.againstBits, args?.forBits, args?.abstainBits].entries()) {
          const voters = nodes.filter(({ index }) => (([...set][0] ?? 0n) >> BigInt(index)) & 1n);
          counted.push(...voters.map(({ address }): [string, number] => [key(address, args?.proposalId), support]));
        }
      }
      const onChain = new Map(counted);
      expect(onChain.size).toBe(counted.length);
      // Most ballots are sent together; nodes that were killed, or alone for long, send their own.
      expect(together.length).toBeGreaterThanOrEqual(running.story.directives.length - 2);
      for (const { address, index } of nodes) {
        const file = join(running.dir, ".witan", "nodes", `node-${index + 1}`, "data", "ballots.jsonl");
        const lines = (await readFile(file, "utf8")).trim().split("\n");
        const ballots = lines.map((line) => JSON.parse(line) as { proposalId: string; support: string });
        expect(unique(ballots.map(({ proposalId }) => proposalId))).toBe(ballots.length);
        for (const { proposalId, support } of ballots) {
          const voted = onChain.get(key(address, proposalId));
          // A ballot may have come too late, but never with another support; the last node cheats.
          if (voted !== undefined && index !== 4) expect(supports[voted]).toBe(support);
        }
      }
    });

    it("has one attestation of each node on each directive, in its journal and on chain", async () => {
      const registry = await at("DirectiveRegistry");
      const { directives, nodes } = running.story;
      const results = ["none", "ready", "done", "failed"];
      const word = (args: { report: unknown; outcome: unknown } | undefined) =>
        `${results[Number(args?.report)]} ${args?.outcome}`;
      const key = (node: string, directiveId: unknown) => `${node.toLowerCase()} ${directiveId}`;
      const counted: [string, string][] = [];
      for (const log of await registry.queryFilter("DirectiveReported")) {
        const { args } = registry.interface.parseLog(log) ?? {};
        counted.push([key(args?.node, args?.directiveId), word(args as never)]);
      }
      const together = await registry.queryFilter("ReportsCounted");
      for (const log of together) {
        const { args } = registry.interface.parseLog(log) ?? {};
        const reporting = nodes.filter(({ index }) => (([...(args?.bits ?? [])][0] ?? 0n) >> BigInt(index)) & 1n);
        for (const { address } of reporting) counted.push([key(address, args?.directiveId), word(args as never)]);
      }
      const onChain = new Map(counted);
      expect(onChain.size).toBe(counted.length);
      // Most are enacted by one transaction; nodes that were killed, or alone for long, report by themselves.
      const enacted = new Set(together.map(({ transactionHash }) => transactionHash));
      expect(enacted.size).toBeGreaterThanOrEqual(directives.length - 2);
      for (const { address, index } of nodes) {
        const file = join(running.dir, ".witan", "nodes", `node-${index + 1}`, "data", "attestations.jsonl");
        const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
        const own = lines.map((line) => JSON.parse(line) as { directiveId: string; report: string; outcome: string });
        expect(unique(own.map(({ directiveId }) => directiveId))).toBe(own.length);
        for (const { directiveId, outcome, report } of own) {
          // It may have come too late, but never with another report.
          const said = onChain.get(key(address, directiveId));
          if (said !== undefined) expect(said).toBe(`${report} ${outcome}`);
        }
      }
    });

    it("ends with an accepted model that classifies 90 % of MNIST's test images, by arithmetic of this test", async () => {
      const { rounds, records, directives } = running.story;
      const accepted = directives.findLast(({ kind }) => kind === "AcceptModel");
      const best = rounds.reduce((a, b) => ((a.testAccuracy ?? 0) >= (b.testAccuracy ?? 0) ? a : b));
      expect(accepted?.evidence).toContain(best.contentId);
      expect(rounds.length).toBeLessThanOrEqual(10);
      for (const { participants } of rounds) expect(participants).toHaveLength(5);

      const record = records.find(({ contentId }) => contentId === best.contentId);
      const model = decode<{ weights: { cid: string } }>(await other.fetch(record?.contentId ?? ""));
      const { tensors } = parseSafetensors(await other.fetch(model.weights.cid));
      const floats = (name: string) => {
        const tensor = tensors.find((each) => each.name === name);
        if (tensor === undefined) throw new Error(`there is no ${name}`);
        return float32Values(tensor);
      };
      const parameters = ["hidden.weight", "hidden.bias", "output.weight", "output.bias"].map(floats);
      const accuracy = accuracyOf(parameters as Parameters<typeof accuracyOf>[0], await loadMnist("test"));
      expect(accuracy).toBeGreaterThanOrEqual(0.9);
      // Another order and precision of sums may classify a borderline image differently.
      expect(Math.abs(accuracy - (best.testAccuracy ?? 0))).toBeLessThanOrEqual(0.001);
    });

    it("leaves a network that answers every command it prints, and the program of the README", async () => {
      const { dir, output } = running;
      const commands = output()
        .split("\n")
        .filter((line) => line.startsWith("  npx witan "));
      expect(commands.length).toBeGreaterThanOrEqual(6);
      for (const command of commands) {
        const args =
          command
            .trim()
            .slice("npx witan ".length)
            .match(/'[^']*'|\S+/g) ?? [];
        const { stdout } = await run(process.execPath, [CLI, ...args.map((arg) => arg.replace(/^'|'$/g, ""))], {
          cwd: dir,
        });
        expect(stdout, command).not.toBe("");
      }
      const readme = await readFile(join(ROOT, "README.md"), "utf8");
      const program = /```js\n(import [\s\S]*?)```/.exec(readme)?.[1] ?? "";
      await mkdir(join(dir, "node_modules"));
      await symlink(ROOT, join(dir, "node_modules", "witan"));
      await writeFile(join(dir, "program.mjs"), program);
      const { stdout } = await run(process.execPath, ["program.mjs"], { cwd: dir });
      expect(stdout).toMatch(/^(State|Outcome|Incident|Model) bafyrei\w+ 0x\w{40}$/m);
      expect(stdout).toMatch(/^Executed AcceptModel/m);
    }, 120_000);

    it("ends by Ctrl+C with exit code 0, nothing left listening and no process left", async () => {
      const { story, dir } = running;
      const { hostname, port } = new URL(story.network.rpc);
      const listening = [
        // A chain that ran before goes on.
        ...(rpc === undefined ? [{ host: hostname, port: Number(port) }] : []),
        ...story.nodes.map(({ http }) => ({ host: "127.0.0.1", port: Number(new URL(http).port) })),
        ...story.nodes.flatMap(({ multiaddrs }) =>
          multiaddrs.map((address) => ({ host: "127.0.0.1", port: Number(/tcp\/(\d+)/.exec(address)?.[1]) })),
        ),
      ];
      expect(await Promise.all(listening.map(answers))).toEqual(listening.map(() => true));
      expect((await processesNaming(dir)).length).toBeGreaterThanOrEqual(5);
      provider.destroy();
      expect(await running.interrupt()).toBe(0);
      expect(await Promise.all(listening.map(answers))).toEqual(listening.map(() => false));
      // The keeper of the logs of an agent that was killed looks whether the workload is still there every two seconds.
      await expect.poll(() => processesNaming(dir), { timeout: 30_000, interval: 200 }).toEqual([]);
    }, 60_000);
  });
}

function answers({ host, port }: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
