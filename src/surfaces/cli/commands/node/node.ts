import { defineCommand } from "citty";
import { z } from "zod";
import { InvalidInputError } from "../../../../errors.js";
import type { Admission } from "../../../../ports/chain/index.js";
import type { Hex } from "../../../../records/index.js";
import { networkArgs, signerArgs } from "../../input/args.js";
import { withClient } from "../../input/client.js";
import { readJsonObject } from "../../input/json.js";
import { readSigner } from "../../input/keys.js";
import { formatTime, printFacts, printJson, printTable } from "../../output/print.js";

const list = defineCommand({
  meta: { name: "list", description: "List the nodes of the committee" },
  args: { ...networkArgs, all: { type: "boolean", description: "include removed nodes", default: false } },
  run: ({ args }) =>
    withClient(args, async (client) => {
      const nodes = await client.listNodes({ includeRemoved: args.all });
      if (args.json) return printJson(nodes);
      printTable(
        nodes.map(({ index, operator, agent, peerId, admittedAt, removedAt, suspended }) => ({
          index,
          operator,
          agent,
          peer: peerId,
          admitted: `epoch ${admittedAt}`,
          counted: suspended ? "no, suspended" : removedAt === null ? "yes" : "",
          ...(args.all ? { removed: removedAt === null ? "" : `epoch ${removedAt}` } : {}),
        })),
        "There are no nodes.",
      );
    }),
});

const presence = defineCommand({
  meta: { name: "presence", description: "List the nodes that are suspended, and those that returned lately" },
  args: { ...networkArgs },
  run: ({ args }) =>
    withClient(args, async (client) => {
      const listing = await client.listPresence();
      if (args.json) return printJson(listing);
      const { heldOff, lapsed, suspended } = listing;
      const operators = new Map((await client.listNodes()).map(({ index, operator }) => [index, operator]));
      const row = (index: number, standing: string) => ({ index, operator: operators.get(index) ?? "", standing });
      printTable(
        [
          ...suspended.map((index) => row(index, lapsed.includes(index) ? "suspended, lapsed" : "suspended")),
          ...heldOff.map(({ index, until }) => row(index, `returned; not suspended again before ${formatTime(until)}`)),
        ],
        "Every node is counted.",
      );
    }),
});

const markLapsed = defineCommand({
  meta: { name: "mark-lapsed", description: "Take suspended nodes out of votes on members and rules after 30 days" },
  args: {
    ...networkArgs,
    ...signerArgs,
    nodes: { type: "string", description: "their indices, such as 3,7", required: true, valueHint: "INDICES" },
  },
  run: async ({ args }) => {
    const indices = args.nodes.split(",").map((text) => (/^\d{1,9}$/.test(text.trim()) ? Number(text) : -1));
    if (indices.includes(-1)) throw new InvalidInputError(`--nodes ${args.nodes} is no list of indices, such as 3,7.`);
    const signer = await readSigner(args);
    await withClient({ ...args, signer }, async (client) => {
      const { hash, gasUsed } = await client.markLapsed({ indices });
      if (args.json) return printJson({ indices, transactionHash: hash, gasUsed });
      printFacts({ marked: indices.join(", "), transaction: hash, gas: gasUsed });
    });
  },
});

const setAgent = defineCommand({
  meta: { name: "set-agent", description: "Give a seat another agent, which its operator agreed to" },
  args: {
    ...networkArgs,
    ...signerArgs,
    admission: {
      type: "string",
      description: "what `witan init --operator` printed",
      required: true,
      valueHint: "FILE",
    },
  },
  run: async ({ args }) => {
    const signer = await readSigner(args);
    const admission = await readAdmission(args.admission);
    await withClient({ ...args, signer }, async (client) => {
      const { hash, gasUsed } = await client.setAgent({ admission });
      const { operator, agent } = admission;
      if (args.json) return printJson({ operator, agent, transactionHash: hash, gasUsed });
      printFacts({ operator, agent, transaction: hash, gas: gasUsed });
    });
  },
});

const revokeAgent = defineCommand({
  meta: { name: "revoke-agent", description: "Take the agent out of your seat, as after its machine was stolen" },
  args: { ...networkArgs, ...signerArgs },
  run: async ({ args }) => {
    const signer = await readSigner(args);
    await withClient({ ...args, signer }, async (client) => {
      const { hash, gasUsed } = await client.revokeAgent();
      if (args.json) return printJson({ operator: client.account, transactionHash: hash, gasUsed });
      printFacts({ revoked: "the agent of your seat, which is not counted until it has another", transaction: hash });
    });
  },
});

const comeBack = defineCommand({
  meta: {
    name: "return",
    description: "End the suspension of a node by its agent's key; a running agent does so itself",
  },
  args: { ...networkArgs, ...signerArgs },
  run: async ({ args }) => {
    const signer = await readSigner(args);
    await withClient({ ...args, signer }, async (client) => {
      const { hash, gasUsed } = await client.returnToCommittee();
      if (args.json) return printJson({ agent: client.account, transactionHash: hash, gasUsed });
      printFacts({ returned: "the node counts again", transaction: hash });
    });
  },
});

const hex = z.string().regex(/^0x([0-9a-fA-F]{2})*$/, "hex digits after 0x") as z.ZodType<Hex>;
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "an address of 20 bytes in hex") as z.ZodType<Hex>;
const admissionSchema = z.strictObject({
  operator: address,
  agent: address,
  key: hex,
  possession: hex,
  peerId: hex,
  deadline: z.int().min(0),
  consent: hex,
}) satisfies z.ZodType<Admission>;

/** Reads an admission, or what `witan init --json` prints, which holds one. */
async function readAdmission(path: string): Promise<Admission> {
  const value = await readJsonObject(path);
  const wrapped = z.object({ admission: z.unknown() }).safeParse(value);
  const { success, data, error } = admissionSchema.safeParse(wrapped.success ? wrapped.data.admission : value);
  if (!success) throw new InvalidInputError(`${path} holds no admission.`, { cause: error });
  return data;
}

export const node = defineCommand({
  meta: { name: "node", description: "Nodes" },
  subCommands: {
    list,
    presence,
    "mark-lapsed": markLapsed,
    "set-agent": setAgent,
    "revoke-agent": revokeAgent,
    return: comeBack,
  },
});
