import { type Client, publishManifest } from "../../src/client/index.js";
import { mnistPerceptron } from "../../src/engines/learning/index.js";
import { createJsonContent } from "../../src/ports/content/index.js";
import type { Release } from "../../src/records/index.js";

/** The CIDs of the JSON documents that the story stores on IPFS. */
export interface StoryDocuments {
  /** What `.witan/network.json` holds. */
  readonly network: string;
  /** Release manifests, by the name of the release. */
  readonly releases: Readonly<Record<string, string>>;
  /** The task manifest of the learning task. */
  readonly task: string;
}

export interface PublishDocumentsParameters {
  /** A member's client: nodes store documents for members only. */
  readonly client: Client;
  readonly network: unknown;
  readonly workload: string;
  readonly releases: readonly Release[];
}

/** Stores the network document, the release manifests and the task manifest on the first node that accepts them. */
export async function publishDocuments({
  client: { content },
  network,
  workload,
  releases,
}: PublishDocumentsParameters): Promise<StoryDocuments> {
  const cids: Record<string, string> = {};
  for (const release of releases) {
    const manifest = { schema: "witan/release/1", workload, release } as const;
    cids[release.name] = await publishManifest({ content, manifest });
  }
  const { name, shapes, maxDistance, maxSamples } = mnistPerceptron;
  const tensors = Object.entries(shapes).map(([tensor, shape]) => ({ name: tensor, shape }));
  const task = { schema: "witan/task/1", name, tensors, maxDistance, maxSamples } as const;
  return {
    network: await createJsonContent(content).put(network, { keep: "document" }),
    releases: cids,
    task: await publishManifest({ content, manifest: task }),
  };
}
