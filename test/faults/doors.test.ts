import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hexlify, type Interface, Wallet } from "ethers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeMessage, decodeMessage as readAnchoring } from "../../src/agent/anchoring/message.js";
import { decodeAttestation } from "../../src/agent/attestations/message.js";
import { decodeBallot } from "../../src/agent/ballots/message.js";
import { readAgentConfig } from "../../src/agent/config.js";
import { createDocumentIntake } from "../../src/agent/documents.js";
import { decodePresence, encodePresence } from "../../src/agent/presence/message.js";
import { decodeReport, encodeReport } from "../../src/agent/replication/message.js";
import { parseChoice } from "../../src/agent/signing/instructions.js";
import { parseIncidentQuery, parseRecordQuery } from "../../src/catalog/index.js";
import { fetchManifest } from "../../src/client/index.js";
import { BaseError } from "../../src/errors.js";
import { createDecoder } from "../../src/ports/chain/events/event.js";
import { contractInterfaces, decodeCall, decodeName, encodeCall, toChainError } from "../../src/ports/chain/index.js";
import { createJsonContent, createMemoryContent } from "../../src/ports/content/index.js";
import { decodeRequest, encodeRequest } from "../../src/ports/gossip/probes/message.js";
import { openEnvelope, sealEnvelope } from "../../src/ports/keys/envelope.js";
import { readAccountKey, readBlsKey, readPasswordFile, readPublisherKey } from "../../src/ports/keys/index.js";
import {
  blockToJsonView,
  cidToContentId,
  contentIdOf,
  contentIdToCid,
  decodeJointManifest,
  decodeManifest,
  decodePayload,
  decodeRecord,
  encodePayload,
  encodeRecord,
  type Hex,
  parseRecordProof,
  parseSafetensors,
  RecordKinds,
} from "../../src/records/index.js";
import { parseDuration } from "../../src/surfaces/cli/commands/content.js";
import { readJsonObject } from "../../src/surfaces/cli/input/json.js";
import { readNetwork } from "../../src/surfaces/cli/input/network.js";
import { parseProposalId } from "../../src/surfaces/cli/input/proposalId.js";
import { createBlockRoute } from "../../src/surfaces/http/blockRoute.js";
import { type RunningServer, serveHttp } from "../../src/surfaces/http/server.js";
import { addresses } from "../harness/fakeClient.js";
import { idOf, incident, NODE, orders } from "../records/samples.js";
import keystores from "../vectors/keystores.json" with { type: "json" };
import { encodeRawLog } from "./hostileMember.js";
import { anyBytes, anyText, damaged } from "./hostileText.js";

/** What comes in at a door: any bytes, or damaged ones of a valid sample. */
interface Door {
  readonly read: (bytes: Uint8Array) => unknown;
  readonly valid?: Uint8Array;
  /** Each opens files, derives keys or the like. */
  readonly slow?: boolean;
}

const encode = (text: string) => new TextEncoder().encode(text);
const json = (value: unknown) => encode(JSON.stringify(value));
const parsed = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return Buffer.from(bytes).toString("latin1");
  }
};

const context = { chainId: 31_337, governor: addresses.NodeGovernor, topic: "document" };
const member = new Wallet(`0x${"5a".repeat(32)}`);
const envelope = await sealEnvelope(member, context, Buffer.from('{"a":1}').toString("base64"));
const intake = createDocumentIntake({ content: createMemoryContent(), context, requireMember: async () => undefined });
const payload = encodePayload({ schema: "witan/directive/1", subject: "order", order: orders[0] as never });
const report = encodeRecord("Incident", incident);
const root = idOf("root");

const decode = createDecoder(addresses);
const place = { blockNumber: "0x1", blockHash: root, transactionHash: root, logIndex: "0x0" } as const;
const governor: Interface = contractInterfaces.NodeGovernor;
const described = encodeRawLog(governor, "ProposalCreated", [
  ...[7n, NODE, [NODE], [0n], [], ["0x01"], 1n, 2n],
  Uint8Array.of(0xc3),
]);
const call = encodeCall(addresses, "NodeRegistry", "remove", [[NODE]]);

/** Bytes of the chain, of peers and of blocks. */
const doors: Readonly<Record<string, Door>> = {
  "the data of an event": {
    read: (bytes) => decode({ ...place, ...described, address: addresses.NodeGovernor, data: hexlify(bytes) }),
    valid: Buffer.from(described.data.slice(2), "hex"),
  },
  "a call of a proposal": {
    read: (bytes) => decodeCall(addresses, { ...call, data: hexlify(bytes) as Hex }),
    valid: Buffer.from(call.data.slice(2), "hex"),
  },
  "what a contract reverts with": {
    read: (bytes) => toChainError(Object.assign(new Error(), { code: "CALL_EXCEPTION", data: hexlify(bytes) })),
    valid: Buffer.from(`08c379a0${"00".repeat(31)}20${"00".repeat(31)}02c3ff${"00".repeat(30)}`, "hex"),
  },
  "a name in a word": { read: (bytes) => decodeName(hexlify(Uint8Array.from([...bytes, ...Array(32)].slice(0, 32)))) },
  "a record": { read: (bytes) => RecordKinds.map((kind) => decodeRecord(kind, bytes)), valid: report.bytes },
  "a payload": { read: decodePayload, valid: payload.bytes },
  "a manifest": { read: decodeManifest },
  "a joint manifest": { read: decodeJointManifest },
  "a block as JSON": { read: blockToJsonView, valid: report.bytes },
  "a file of weights": { read: parseSafetensors, valid: encode('\u0010\0\0\0\0\0\0\0{"__metadata__":{') },
  "a ballot": { read: decodeBallot, valid: Uint8Array.from([1, 0, 0, 0, 0, 1, ...Array(96).fill(7)]) },
  "a report on a directive": { read: decodeAttestation, valid: new Uint8Array(166).fill(1) },
  "a message on anchors": {
    read: readAnchoring,
    valid: encodeMessage({ type: "draft", draft: { batches: 1, deadline: 1, epoch: 1, manifest: root, root } }),
  },
  "a word of presence": { read: decodePresence, valid: encodePresence({ at: 1, silent: [1, 2] }) },
  "a report on replicas": {
    read: decodeReport,
    valid: encodeReport({ block: 1, view: "0123456789abcdef", missing: [root] }),
  },
  "a probe": {
    read: decodeRequest,
    valid: encodeRequest({ kind: "help", nonce: new Uint8Array(16), peer: "12D3", timeoutMs: 100 }),
  },
  "an envelope": { read: (bytes) => openEnvelope(context, bytes), valid: envelope },
  "a document for a node": { read: intake, valid: envelope },
  "a document on IPFS": {
    read: async (bytes) => {
      const content = createMemoryContent();
      const cid = await content.put(bytes, { codec: "json" });
      expect(cid).toBe(contentIdToCid(contentIdOf(bytes), "json"));
      await createJsonContent(content).get(cid);
      return fetchManifest({ content, cid });
    },
    valid: json({ schema: "witan/task/1", name: "mnist", tensors: [], maxDistance: 1, maxSamples: 1 }),
  },
  "a proof of a record": { read: (bytes) => parseRecordProof(parsed(bytes)), valid: json({ schema: "x" }) },
};

const nested = (depth: number, open: number[]) => Uint8Array.from([...Array(depth).fill(open).flat(), 0x60]);
/** Headers of CBOR that announce 2^53 - 1 bytes, characters, items or pairs, and none of them. */
const announced = [0x5b, 0x7b, 0x9b, 0xbb].map((type) => Uint8Array.from([type, 0, 0x1f, ...Array(6).fill(0xff)]));
/** Short for what they cost a reader that recurses or allocates. */
const OUTSIZE = [
  nested(30_000, [0x81]),
  nested(30_000, [0xa1, 0x61, 0x61]),
  nested(30_000, [0xd8, 0x2a]),
  encode(`${"[".repeat(30_000)}${"]".repeat(30_000)}`),
  encode(`${'{"a":'.repeat(15_000)}1${"}".repeat(15_000)}`),
  ...announced,
];

async function check({ read }: Door, bytes: Uint8Array): Promise<void> {
  try {
    await read(bytes);
  } catch (error) {
    // An error of our own names what is wrong; any other is a defect.
    expect(error).toBeInstanceOf(BaseError);
  }
}

describe("a door", () => {
  it.each(Object.entries(doors))("takes or refuses any bytes by an error of our own: %s", async (_, door) => {
    const bytes = door.valid === undefined ? anyBytes() : fc.oneof(anyBytes(), damaged(door.valid));
    await fc.assert(
      fc.asyncProperty(bytes, (each) => check(door, each)),
      { numRuns: 60 },
    );
  });

  it.each(Object.entries(doors))(
    "takes or refuses what is nested deep, or says that it is huge: %s",
    async (_, door) => {
      for (const bytes of OUTSIZE) await check(door, bytes);
    },
  );

  it("reads the event of a proposal whose description is any bytes", () => {
    fc.assert(
      fc.property(anyBytes(), (description) => {
        const log = encodeRawLog(governor, "ProposalCreated", [7n, NODE, [], [], [], [], 1n, 2n, description]);
        const event = decode({ ...place, ...log, address: addresses.NodeGovernor });
        expect(event?.args).toMatchObject({
          description: new TextDecoder("utf-8", { ignoreBOM: true }).decode(description),
        });
      }),
      { numRuns: 60 },
    );
  });
});

it("takes or refuses a document of a member that is nested deep by an error of our own", async () => {
  for (const bytes of OUTSIZE) {
    const sealed = await sealEnvelope(member, context, Buffer.from(bytes).toString("base64"));
    await check({ read: intake }, sealed);
  }
});

describe("a file that a person names", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "witan-doors-"));
  });
  afterAll(() => rm(dir, { recursive: true }));
  const keystore = { ...keystores.geth.files[0]?.keystore };

  const readers: [string, (path: string) => Promise<unknown>, Uint8Array][] = [
    ["an account's key", (path) => readAccountKey(path, "pw"), json({ ...keystore, crypto: { kdf: "scrypt" } })],
    ["a BLS key", (path) => readBlsKey(path, "pw"), json({ version: 4, crypto: {} })],
    ["a publisher's key", readPublisherKey, json({ type: "witan/publisher-key/1", secret: root })],
    ["a password", readPasswordFile, encode("\ufeffpassword\n")],
    ["a network document", readNetwork, json({ rpc: "http://127.0.0.1:1", deployment: {}, gateways: [] })],
    ["an agent's configuration", readAgentConfig, json({ name: "node", dataDir: "data" })],
    ["a JSON object", readJsonObject, json({ a: 1 })],
  ];

  it.each(readers)("is refused by an error of our own where there is no such file: %s", async (_, read, valid) => {
    const file = join(dir, "whole");
    await writeFile(file, valid, { mode: 0o600 });
    await symlink("loop", join(dir, "loop")).catch(() => undefined);
    const folder = await mkdtemp(join(dir, "folder-"));
    const none = ["none", "loop", "whole/below", `${"n".repeat(300)}`, "nul\0byte"].map((name) => join(dir, name));
    for (const path of [folder, ...none]) {
      await expect(read(path), JSON.stringify(path)).rejects.toBeInstanceOf(BaseError);
    }
  });

  it.each(readers)("is read or refused by an error of our own: %s", async (_, read, valid) => {
    const path = join(dir, "file");
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyBytes(), damaged(valid)), async (bytes) => {
        await writeFile(path, bytes, { mode: 0o600 });
        await check({ read: () => read(path) }, bytes);
      }),
      { numRuns: 20 },
    );
  });
});

it.each<[string, (text: string) => unknown]>([
  ["a proposal's id", parseProposalId],
  ["a CID", cidToContentId],
  ["a duration", parseDuration],
  ["an instruction", parseChoice],
  ["a query of records", (text) => parseRecordQuery({ text, kind: text, since: text, cursor: text })],
  ["a query of incidents", (text) => parseIncidentQuery({ subject: text, limit: text, cursor: text })],
])("takes or refuses any argument by an error of our own: %s", (_, read) => {
  fc.assert(
    fc.property(anyText(), (text) => {
      try {
        read(text);
      } catch (error) {
        expect(error).toBeInstanceOf(BaseError);
      }
    }),
    { numRuns: 60 },
  );
});

describe("a node's HTTP server", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await serveHttp("127.0.0.1", 0, {
      status: async () => ({ note: "<b>\ud800" }),
      ballots: (proposalId) => ({ proposalId }),
      block: createBlockRoute(createMemoryContent()),
      payload: intake as (bytes: Uint8Array) => Promise<string>,
      document: intake as (bytes: Uint8Array) => Promise<string>,
    });
  });
  afterAll(() => server.close());

  /** Sends bytes on a connection of its own, and returns what comes back. */
  const exchange = (bytes: Uint8Array) =>
    new Promise<string>((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = connect({ port: Number(new URL(server.url).port), host: "127.0.0.1" }, () => socket.end(bytes));
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
      socket.on("error", (error: NodeJS.ErrnoException) => (error.code === "ECONNRESET" ? resolve("") : reject(error)));
    });
  const request = (path: Uint8Array, method: string, body: Uint8Array) =>
    Buffer.concat([
      encode(`${method} /`),
      path,
      encode(` HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`),
      body,
    ]);

  it("answers whatever is sent by no error of its own, and is not shown as a page", async () => {
    const path = fc.oneof(
      anyBytes(48),
      damaged(encode("ipfs/bafyreigxyz?format=json")),
      damaged(encode("ballots/12345")),
      fc.constantFrom(...["status", "health", "payload", "document", "ipfs/%00", "%"].map(encode)),
    );
    await fc.assert(
      fc.asyncProperty(path, fc.constantFrom("GET", "POST", "HEAD"), anyBytes(64), async (at, method, body) => {
        const answer = await exchange(request(at, method, body));
        expect(answer).not.toMatch(/^HTTP\/1\.1 5/);
        if (/^HTTP\/1\.1 (?!400 Bad Request\r\nConnection)/i.test(answer)) {
          expect(answer).toMatch(/x-content-type-options: nosniff/i);
          expect(answer).not.toMatch(/content-type: text\/html/i);
        }
      }),
      { numRuns: 60 },
    );
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ ok: true });
  });
});
