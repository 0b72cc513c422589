import { defineCommand } from "citty";
import { fetchManifest } from "../../../client/index.js";
import { networkArgs } from "../input/args.js";
import { readNetwork } from "../input/network.js";
import { createDownlink } from "../nodes/uplink.js";
import { printFacts, printJson } from "../output/print.js";

const show = defineCommand({
  meta: { name: "show", description: "Show a release manifest or a task manifest, after hash and schema were checked" },
  args: {
    network: networkArgs.network,
    cid: { type: "positional", description: "the manifest's CID", required: true },
    json: networkArgs.json,
  },
  run: async ({ args }) => {
    const content = createDownlink((await readNetwork(args.network)).gateways);
    try {
      const manifest = await fetchManifest({ content, cid: args.cid });
      if (args.json) return printJson(manifest);
      if (manifest.schema === "witan/release/1") {
        const { workload, release } = manifest;
        return printFacts({
          workload,
          release: release.name,
          command: release.command.join(" "),
          sha256: release.sha256,
        });
      }
      const { name, tensors, maxDistance, maxSamples } = manifest;
      printFacts({
        task: name,
        tensors: tensors.map((tensor) => `${tensor.name} [${tensor.shape.join(", ")}]`).join(", "),
        "max distance": maxDistance,
        "max samples": maxSamples,
      });
    } finally {
      await content.close();
    }
  },
});

export const manifest = defineCommand({
  meta: { name: "manifest", description: "Release manifests and task manifests: JSON documents on IPFS" },
  subCommands: { show },
});
