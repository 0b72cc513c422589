import { readFile } from "node:fs/promises";
import { defineCommand } from "citty";
import { z } from "zod";
import { InvalidInputError } from "../../../errors.js";
import type { Admission } from "../../../ports/chain/index.js";
import type { Hex } from "../../../records/index.js";
import { networkArgs, signerArgs } from "../input/args.js";
import { withClient } from "../input/client.js";
import { readSigner } from "../input/keys.js";
import { printFacts, printJson, printTable } from "../output/print.js";

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
const admissionSchema = z.strictObject({
  operator: hex,
  agent: hex,
  key: hex,
  possession: hex,
  peerId: hex,
  deadline: z.int().min(0),
  consent: hex,
}) satisfies z.ZodType<Admission>;

/** Reads an admission, or what `witan init --json` prints, which holds one. */
async function readAdmission(path: string): Promise<Admission> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new InvalidInputError(`The file ${path} cannot be read, or is not JSON.`, { cause });
  }
  const wrapped = z.object({ admission: z.unknown() }).safeParse(value);
  const { success, data, error } = admissionSchema.safeParse(wrapped.success ? wrapped.data.admission : value);
  if (!success) throw new InvalidInputError(`${path} holds no admission.`, { cause: error });
  return data;
}

export const node = defineCommand({
  meta: { name: "node", description: "Nodes" },
  subCommands: { list, "set-agent": setAgent, "revoke-agent": revokeAgent, return: comeBack },
});
