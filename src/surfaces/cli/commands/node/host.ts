import { defineCommand } from "citty";
import type { Host } from "../../../../client/index.js";
import { InvalidInputError } from "../../../../errors.js";
import type { HostDescriptor } from "../../../../records/index.js";
import { networkArgs, signerArgs } from "../../input/args.js";
import { withClient } from "../../input/client.js";
import { readSigner } from "../../input/keys.js";
import { printFacts, printJson, printTable } from "../../output/print.js";

const list = defineCommand({
  meta: { name: "list", description: "List the hosts that nodes have described" },
  args: { ...networkArgs },
  run: ({ args }) =>
    withClient(args, async (client) => {
      const hosts = await client.listHosts();
      if (args.json) return printJson(hosts);
      printTable(
        hosts.map(({ operator, labels, addresses, slots, draining }) => ({
          operator,
          labels: labelsText(labels),
          addresses: addresses.join(" "),
          slots,
          takes: draining ? "nothing: it is drained" : "replicas",
        })),
        "No node has described a host.",
      );
    }),
});

const describe = defineCommand({
  meta: { name: "describe", description: "Say on chain what the host of your node is" },
  args: {
    ...networkArgs,
    ...signerArgs,
    slots: { type: "string", description: "replicas that it runs at most", required: true, valueHint: "N" },
    label: { type: "string", description: "such as zone=a,disk=ssd", default: "", valueHint: "NAME=VALUE,..." },
    address: {
      type: "string",
      description: "where other hosts reach it, the best first",
      default: "",
      valueHint: "HOST:PORT,...",
    },
  },
  run: async ({ args }) => {
    const host = {
      labels: parseLabels(args.label),
      addresses: listOf(args.address),
      slots: parseSlots(args.slots),
      draining: false,
    };
    await change(args, () => host);
  },
});

const drain = defineCommand({
  meta: { name: "drain", description: "Have the replicas of your node's host moved to others, as before repairs" },
  args: { ...networkArgs, ...signerArgs },
  run: ({ args }) => change(args, (host) => ({ ...required(host), draining: true })),
});

const comeBack = defineCommand({
  meta: { name: "return", description: "Let replicas come to your node's host again" },
  args: { ...networkArgs, ...signerArgs },
  run: ({ args }) => change(args, (host) => ({ ...required(host), draining: false })),
});

const withdraw = defineCommand({
  meta: { name: "withdraw", description: "Say that your node has no host any more" },
  args: { ...networkArgs, ...signerArgs },
  run: ({ args }) => change(args, () => null),
});

type Description = Omit<HostDescriptor, "schema">;

/** Writes what `next` makes of the host that stands on chain; `next` gets undefined for a node without a host. */
async function change(
  args: Parameters<typeof withClient>[0] & Parameters<typeof readSigner>[0] & { readonly json: boolean },
  next: (host: Host | undefined) => Description | null,
): Promise<void> {
  const signer = await readSigner(args);
  await withClient({ ...args, signer }, async (client) => {
    const account = (await signer.getAddress()).toLowerCase();
    const isOwn = (address: string) => address.toLowerCase() === account;
    const node = (await client.listNodes()).find(({ agent, operator }) => isOwn(agent) || isOwn(operator));
    const before = (await client.listHosts()).find(({ operator }) => operator === node?.operator);
    const after = next(before);
    const host = after && {
      labels: after.labels,
      addresses: after.addresses,
      slots: after.slots,
      draining: after.draining,
    };
    const { hash, gasUsed } = await client.describeHost({ host });
    if (args.json) return printJson({ operator: node?.operator, host, transactionHash: hash, gasUsed });
    printFacts({
      host: host === null ? "withdrawn" : `${host.slots} slots`,
      ...(host === null ? {} : { labels: labelsText(host.labels), addresses: host.addresses.join(" ") }),
      ...(host?.draining ? { replicas: "move to other hosts" } : {}),
      transaction: hash,
      gas: gasUsed,
    });
  });
}

function required(host: Host | undefined): Host {
  if (host !== undefined) return host;
  throw new InvalidInputError("Your node has not described a host.", {
    hints: ["witan host describe --slots N does so."],
  });
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function parseLabels(text: string): Record<string, string> {
  const pairs = listOf(text).map((part) => {
    const at = part.indexOf("=");
    if (at < 1) throw new InvalidInputError(`--label ${part} is no label, such as zone=a.`);
    return [part.slice(0, at), part.slice(at + 1)] as const;
  });
  if (new Set(pairs.map(([name]) => name)).size < pairs.length)
    throw new InvalidInputError("--label names a label twice.");
  return Object.fromEntries(pairs);
}

function parseSlots(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidInputError(`--slots ${text} is no number of replicas.`);
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

export const host = defineCommand({
  meta: { name: "host", description: "Hosts: the machines on which nodes run replicas" },
  subCommands: { list, describe, drain, return: comeBack, withdraw },
});
