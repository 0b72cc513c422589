import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import type { Signer } from "ethers";
import type { RunningNode } from "../src/agent/node.js";
import { createClient } from "../src/client/index.js";
import { createProcessDriver } from "../src/engines/fleet/index.js";
import { BaseError, InvalidInputError } from "../src/errors.js";
import { createChain, developmentChain } from "../src/ports/chain/index.js";
import type { Address, Release } from "../src/records/index.js";
import { createUplink } from "../src/surfaces/cli/nodes/uplink.js";
import { systemClock } from "../src/utils/clock.js";
import { deploy } from "./deploy.js";
import { failAndRollBack, firstStates, heal, learn, lie, refuseLies, type Stage } from "./story/acts.js";
import { Agents } from "./story/agents.js";
import { collectDirectives, collectRecords, collectRounds } from "./story/collect.js";
import { publishDocuments } from "./story/documents.js";
import { killAtRandom } from "./story/kills.js";
import { createMembers, type Member, writeConfigs } from "./story/members.js";
import { createScreen, narrate } from "./story/narrator.js";
import { joinNetwork, startNetwork } from "./story/network.js";
import { freePorts } from "./story/ports.js";
import { type Story, writeStory } from "./story/storyFile.js";
import { summarize } from "./story/summary.js";
import { storyTiming, storyTracks } from "./story/timing.js";

const ROOT = join(import.meta.dirname, "..");
const HOME = join(process.cwd(), ".witan");
const NODES = 5;
const REPLICAS = 6;
const WORKLOAD = "web";
const TRAINING_SEED = 7;

interface Options {
  readonly once: boolean;
  /** The RPC address of a chain that runs already; undefined for a local one of its own. */
  readonly rpc: string | undefined;
  readonly port: number;
  readonly kills: number;
  readonly seed: number;
}

/** Steps that undo the start, run at the end, the last first, also after an error. */
class Cleanup {
  readonly #steps: (() => Promise<unknown> | unknown)[] = [];
  #done: Promise<void> | undefined;

  add(step: () => Promise<unknown> | unknown): void {
    this.#steps.push(step);
  }

  run(): Promise<void> {
    this.#done ??= (async () => {
      for (const step of this.#steps.reverse()) {
        try {
          await step();
        } catch (error) {
          process.stderr.write(`while cleaning up: ${error instanceof Error ? error.message : String(error)}\n`);
        }
      }
    })();
    return this.#done;
  }
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      once: { type: "boolean", default: false },
      port: { type: "string", default: "8545" },
      rpc: { type: "string" },
      kills: { type: "string", default: "0" },
      seed: { type: "string", default: "1" },
    },
  });
  const number = (name: "port" | "kills" | "seed") => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 0)
      throw new InvalidInputError(`--${name} is a whole number from 0, not "${values[name]}".`);
    return value;
  };
  return { once: values.once, rpc: values.rpc, port: number("port"), kills: number("kills"), seed: number("seed") };
}

async function main(options: Options, cleanup: Cleanup, interrupted: Promise<void>): Promise<void> {
  const started = systemClock.monotonic();
  const screen = createScreen((text) => process.stdout.write(text), systemClock);
  const narrating = new AbortController();

  screen.act("A local chain, a DAO without an owner, five nodes and a workload");
  const net = await (options.rpc === undefined ? startNetwork(options.port) : joinNetwork(options.rpc));
  cleanup.add(() => net.close());
  screen.line(options.rpc === undefined ? `Hardhat's local network listens on ${net.rpc}` : `the chain is ${net.rpc}`);
  await rm(HOME, { recursive: true, force: true });
  const passwordFile = join(HOME, "password");
  const members = await createMembers(join(HOME, "nodes"), NODES, passwordFile);
  const deployment = await deploy({
    ...net,
    nodes: (context) => Promise.all(members.map(({ admission }) => admission(context))),
    tracks: storyTracks,
    fresh: true,
  });
  screen.line(`the contracts are deployed; the governor is ${deployment.contracts.NodeGovernor}`);

  const http = members.map(({ httpPort }) => `http://127.0.0.1:${httpPort}`);
  const network = { rpc: net.rpc, deployment, gateways: http };
  await writeFile(join(HOME, "network.json"), `${JSON.stringify(network, null, 2)}\n`);
  const open = async (signer?: Signer) => {
    const chain = await createChain({ rpcUrl: net.rpc, signer, ...deployment });
    cleanup.add(() => chain.close());
    return createClient({ chain, content: createUplink(http, chain) });
  };
  const client = await open(members[0]?.agent);
  const byzantine = await open(members.at(-1)?.agent);
  for (const { address } of members.flatMap(({ agent, operator }) => [agent, operator])) {
    await developmentChain(net.rpc).fund(address as Address);
  }

  const [basePort = 0] = await freePorts(2 * REPLICAS);
  const fleetConfig = { dir: join(HOME, "fleet"), workload: WORKLOAD, basePort, root: ROOT };
  const driver = createProcessDriver(fleetConfig);
  const [goodRelease, brokenRelease] = [await releaseOf("v1"), await releaseOf("v2")];
  cleanup.add(() => driver.stopAll());
  await driver.create({ release: goodRelease, replicas: REPLICAS });
  screen.line(`${REPLICAS} replicas run release v1, sha256 ${goodRelease.sha256.slice(0, 18)}…`);

  await writeConfigs(members, {
    rpc: net.rpc,
    deployment,
    passwordFile,
    others: (index) => ({
      fleet: { ...fleetConfig, progressDeadlineMs: storyTiming.progressDeadlineMs },
      // The releases of the story are single files, and nobody signs them.
      voting: { unsignedReleases: true },
      learning: { task: "mnist", index, shards: members.length, seed: TRAINING_SEED },
      ...storyTiming.agent,
    }),
  });
  const names = new Map(members.map(({ name, agent }) => [agent.address.toLowerCase(), name]));
  const narrator = narrate(client.chain, names, screen, narrating.signal);
  cleanup.add(async () => {
    narrating.abort();
    await narrator;
  });
  const agents = new Agents(members);
  cleanup.add(() => agents.stop());
  await agents.start();
  screen.line(`${NODES} agents run, each with its own process, key and IPFS node`);
  const releases = [goodRelease, brokenRelease];
  const documents = await publishDocuments({ client, network, workload: WORKLOAD, releases });
  screen.line(`the network document is on IPFS as ${documents.network}`);

  const refused: Story["refused"] = [];
  const stage: Stage = {
    client,
    byzantine,
    screen,
    workload: WORKLOAD,
    replicas: () => driver.list(),
    goodRelease,
    brokenRelease,
    refused,
    reasonAgainst: (proposalId) => reasonAgainst(http, proposalId),
  };
  const { kills, seed } = options;
  const killing =
    kills === 0
      ? Promise.resolve(0)
      : killAtRandom({ chain: client.chain, agents, members: NODES, kills, seed, screen }, narrating.signal);
  killing.catch(() => undefined);

  const ended = await Promise.race([play(stage, members).then(() => true), interrupted.then(() => false)]);
  if (!ended) return;
  const killed = await Promise.race([killing, Promise.resolve(undefined)]);
  const story: Story = {
    network: { chainId: net.chainId, rpc: net.rpc },
    contracts: { ...deployment.contracts },
    nodes: await describeNodes(client, members),
    records: await collectRecords(client),
    directives: await collectDirectives(client),
    rounds: await collectRounds(client),
    documents,
    refused,
    seconds: Math.round((systemClock.monotonic() - started) / 1_000),
  };
  await writeStory(join(HOME, "story.json"), story);
  process.stdout.write(summarize(story, names));
  if (kills > 0) process.stdout.write(`${killed ?? "fewer than all"} agents were killed (seed ${seed}).\n`);
  process.stdout.write(`\nThe story is in ${relative(process.cwd(), join(HOME, "story.json"))}.\n`);
  if (options.once) return;
  process.stdout.write(hints(members, documents.network, process.cwd()));
  await interrupted;
}

async function play(stage: Stage, members: readonly Member[]): Promise<void> {
  await firstStates(
    stage,
    members.map(({ agent }) => agent.address),
  );
  await heal(stage);
  await failAndRollBack(stage);
  const lies = await lie(stage);
  await learn(stage, { spontaneousMs: storyTiming.spontaneousMs });
  await refuseLies(stage, lies);
}

/** The reason of the first of these nodes that voted Against. */
async function reasonAgainst(http: readonly string[], proposalId: string): Promise<string | undefined> {
  for (const url of http) {
    try {
      const { own } = (await (await fetch(`${url}/ballots/${proposalId}`)).json()) as Awaited<
        ReturnType<RunningNode["ballots"]>
      >;
      if (own?.support === "against") return own.reason;
    } catch {
      // The node was killed and is starting again: ask the next one.
    }
  }
  return undefined;
}

async function releaseOf(name: string): Promise<Release> {
  const path = join("examples", "workload", name, "server.mjs");
  const sha256 = createHash("sha256")
    .update(await readFile(join(ROOT, path)))
    .digest("hex");
  return { name, command: ["node", path], sha256: `0x${sha256}` };
}

async function describeNodes(client: Awaited<ReturnType<typeof createClient>>, members: readonly Member[]) {
  const nodes = await client.listNodes();
  return nodes.map(({ agent: address, index, operator, peerId }) => {
    const member = members.find(({ agent }) => agent.address.toLowerCase() === address.toLowerCase());
    return {
      address,
      operator,
      index,
      peerId,
      multiaddrs: member ? [member.multiaddr] : [],
      http: member ? `http://127.0.0.1:${member.httpPort}` : "",
    };
  });
}

function hints(members: readonly Member[], network: string, cwd: string): string {
  const key = relative(cwd, members[0]?.operatorKeyFile ?? "");
  return [
    "\nThe network runs until Ctrl+C. In another terminal, try:",
    "  npx witan node list",
    "  npx witan record list --kind Incident",
    "  npx witan proposal list",
    "  npx witan directive list",
    "  npx witan model list",
    `  npx witan node list --network ${network}`,
    `  npx witan proposal open --order '{"kind":"Scale","workload":"web","replicas":7}' --key ${key} --password-file .witan/password`,
    "",
  ].join("\n");
}

const cleanup = new Cleanup();
let interrupts = 0;
const interrupted = new Promise<void>((resolve) => {
  const interrupt = () => {
    if (++interrupts > 1) process.exit(130);
    process.stdout.write("\nStopping the agents, the workload and the network.\n");
    resolve();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
});
try {
  await main(readOptions(), cleanup, interrupted);
} catch (error) {
  process.stderr.write(
    `\nwitan: ${error instanceof BaseError || error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
} finally {
  await cleanup.run();
}
// Hardhat keeps handles of its own; everything of ours has ended.
process.exit();
