/** Where `npm start` writes how to reach the network that it runs. */
export const DEFAULT_NETWORK_FILE = ".witan/network.json";

/** Options of commands that read the network. */
export const networkArgs = {
  network: {
    type: "string",
    description: "network document: a file, a CID, or the address of a gateway with the CID",
    default: DEFAULT_NETWORK_FILE,
    valueHint: "FILE|CID",
  },
  rpc: { type: "string", description: "RPC address, instead of the network document's", valueHint: "URL" },
  json: { type: "boolean", description: "print JSON for programs", default: false },
} as const;

/** Options of commands that send a transaction. */
export const signerArgs = {
  key: { type: "string", description: "key file of an account (keystore v3)", valueHint: "FILE" },
  "password-file": {
    type: "string",
    description: "file with the key's password; WITAN_PASSWORD takes precedence",
    valueHint: "FILE",
  },
} as const;

/** Options of commands that read one record. */
export const recordArgs = {
  ...networkArgs,
  cid: { type: "positional", description: "the record's CID or ContentId", required: true },
  author: { type: "string", description: "only as anchored by this node", valueHint: "ADDRESS" },
} as const;
