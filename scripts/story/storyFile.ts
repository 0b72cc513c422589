import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { JointPlace } from "../../src/client/index.js";
import type { StoryDocuments } from "./documents.js";

/** What happened, for programs. Every CID can be fetched from the nodes; every transaction is on the chain. */
export interface Story {
  documents: StoryDocuments;
  network: { chainId: number; rpc: string };
  contracts: Record<string, string>;
  nodes: { address: string; index: number; peerId: string; multiaddrs: string[]; http: string }[];
  records: {
    kind: string;
    contentId: string;
    author: string;
    anchorTx: string;
    leaf: string;
    proof: string[];
    root: string;
    /** The proof that the root is under a joint anchor; null if its author anchored it alone. */
    joint: JointPlace | null;
  }[];
  directives: {
    kind: string;
    proposalId: string;
    directiveId: string;
    for: number;
    against: number;
    abstain: number;
    openedBy: string;
    evidence: string[];
    issuedTx: string;
    outcome: { result: string; contentId: string } | null;
    attestedBy: string[];
    /** The gas of all transactions from the opening to the last attestation. */
    gas: number;
  }[];
  rounds: {
    round: number;
    participants: string[];
    contentId: string | null;
    sha256: string | null;
    testAccuracy: number | null;
    ending: string;
  }[];
  refused: { what: string; error: string }[];
  seconds: number;
}

/** Writes the story file in one step: a reader never sees half of it. */
export async function writeStory(path: string, story: Story): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w");
  try {
    await file.writeFile(`${JSON.stringify(story, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
