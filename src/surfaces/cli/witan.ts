import { defineCommand } from "citty";
import { backup, restore } from "./commands/backup.js";
import { catalog } from "./commands/catalog.js";
import { content } from "./commands/content.js";
import { dao } from "./commands/dao.js";
import { directive } from "./commands/directive.js";
import { incident } from "./commands/incident.js";
import { init } from "./commands/init.js";
import { manifest } from "./commands/manifest.js";
import { model } from "./commands/model.js";
import { host } from "./commands/node/host.js";
import { node } from "./commands/node/node.js";
import { proposal } from "./commands/proposal/proposal.js";
import { record } from "./commands/record/record.js";
import { release } from "./commands/release/release.js";
import { workload } from "./commands/workload/workload.js";

/** The command line, as a tree of commands. */
export const witan = defineCommand({
  meta: { name: "witan", description: "Nodes that remember together and decide together" },
  subCommands: {
    // Loaded on demand: the agent imports a whole IPFS node.
    agent: () => import("./commands/agent.js").then((module) => module.agent),
    dao,
    node,
    host,
    record,
    incident,
    proposal,
    directive,
    model,
    release,
    workload,
    manifest,
    content,
    catalog,
    backup,
    restore,
    init,
  },
});
