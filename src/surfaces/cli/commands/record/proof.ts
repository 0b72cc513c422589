import { defineCommand } from "citty";
import { checkRecordProof, type ProvenRecord } from "../../../../client/index.js";
import { ConfigError, InvalidInputError } from "../../../../errors.js";
import { type Address, isCid, isContentId, parseRecordProof, type RecordProof } from "../../../../records/index.js";
import { writeDurably } from "../../../../utils/durable.js";
import { sameHex } from "../../../../utils/sameHex.js";
import { readTextFile } from "../../../../utils/text/file.js";
import { networkArgs, recordArgs } from "../../input/args.js";
import { withClient } from "../../input/client.js";
import { parseContentId } from "../../input/contentId.js";
import { formatTime, printFacts, printJson, printLine } from "../../output/print.js";

export const prove = defineCommand({
  meta: { name: "prove", description: "Write one file that proves a record without a network" },
  args: { ...recordArgs, out: { type: "string", description: "file to write", required: true, valueHint: "FILE" } },
  run: ({ args }) =>
    withClient(args, async (client) => {
      const contentId = parseContentId(args.cid);
      const proof = await client.proveRecord({ contentId, author: args.author as Address | undefined });
      await writeDurably(args.out, `${JSON.stringify(proof, null, 2)}\n`);
      const proven = checkRecordProof(proof);
      if (args.json) return printJson({ file: args.out, ...proven });
      printFacts({ wrote: args.out, ...factsOf(proven) });
      printLine(`To check the file without a network: witan record verify ${args.out}`);
    }),
});

export const verify = defineCommand({
  meta: {
    name: "verify",
    description: "Check a record's hash, schema, anchor, author and proof; a proof file needs no network",
  },
  args: {
    ...networkArgs,
    cid: { type: "positional", description: "the record's CID or ContentId, or a proof file", required: true },
    author: { type: "string", description: "only as anchored by this node", valueHint: "ADDRESS" },
    online: {
      type: "boolean",
      description: "also check a proof file's block and anchor on the chain",
      default: false,
    },
  },
  run: async ({ args }) => {
    if (isContentId(args.cid) || isCid(args.cid)) return verifyStored(args);
    const proof = await readProof(args.cid);
    if (args.author !== undefined && !sameHex(args.author, proof.author)) {
      throw new InvalidInputError(`The proof is of a record by ${proof.author}, not ${args.author}.`);
    }
    return args.online ? verifyOnline(args, proof) : verifyOffline(args, proof);
  },
});

interface VerifyOptions {
  readonly cid: string;
  readonly author?: string | undefined;
  readonly network: string;
  readonly rpc?: string | undefined;
  readonly json: boolean;
}

/** Fetches a record from the network and checks it against its anchor. */
function verifyStored(args: VerifyOptions): Promise<void> {
  return withClient(args, async (client) => {
    const contentId = parseContentId(args.cid);
    const record = await client.fetchRecord({ contentId, author: args.author as Address | undefined });
    const { kind, cid, author, anchor, leaf, proof } = record;
    if (args.json) return printJson({ verified: true, kind, cid, contentId, author, anchor, leaf, proof });
    printFacts({
      verified: "hash, schema, anchor, author and proof hold",
      kind,
      cid,
      author,
      anchored: `${formatTime(anchor.anchoredAt)}, block ${anchor.blockNumber}, ${anchor.joint === null ? `sequence ${anchor.sequence}` : "joint"}`,
      transaction: anchor.transactionHash,
      root: anchor.root,
      leaf,
      proof: proof.length === 1 ? "1 hash" : `${proof.length} hashes`,
    });
  });
}

function verifyOffline(args: VerifyOptions, proof: RecordProof): void {
  const proven = checkRecordProof(proof);
  if (args.json) {
    printJson({ verified: true, online: false, ...proven });
  } else {
    printFacts({
      verified: "hash, schema, path and the author's signature hold",
      ...factsOf(proven),
      "not checked":
        "whether this registry is that of your network, and whether this block is on its chain: --online asks your RPC",
    });
  }
}

function verifyOnline(args: VerifyOptions, proof: RecordProof): Promise<void> {
  return withClient(args, async (client) => {
    const confirmed = await client.confirmRecordProof(proof);
    if (args.json) return printJson({ verified: true, online: true, ...confirmed });
    printFacts({
      verified: "hash, schema, path, the author's signature, block and anchor hold",
      ...factsOf(confirmed),
      confirmations: confirmed.confirmations,
    });
  });
}

function factsOf({ kind, cid, author, root, chainId, registry, transactionHash, block }: ProvenRecord) {
  return {
    kind,
    cid,
    author,
    root,
    transaction: transactionHash,
    registry: `${registry} on chain ${chainId}`,
    block: `${block.number}, ${formatTime(block.timestamp)}, ${block.hash}`,
  };
}

async function readProof(path: string): Promise<RecordProof> {
  let text: string;
  try {
    text = await readTextFile(path);
  } catch (cause) {
    throw new ConfigError(`"${path}" is neither a CID nor a file that can be read.`, { cause });
  }
  try {
    return parseRecordProof(JSON.parse(text));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new InvalidInputError(`The file ${path} is not JSON.`, { cause });
    throw cause;
  }
}
