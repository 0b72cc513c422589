import { defineCommand } from "citty";
import { readAgentConfig } from "../../../agent/config.js";
import { systemClock } from "../../../utils/clock.js";
import { createLogger, type Logger } from "../../../utils/logger.js";
import { createBlockRoute } from "../../http/blockRoute.js";
import { createCatalogRoutes } from "../../http/catalogRoutes.js";
import { serveHttp } from "../../http/server.js";
import { readPassword } from "../input/keys.js";
import { startWhenPossible } from "../nodes/startWhenPossible.js";
import { createLogLines } from "../output/logLines.js";
import { printJsonLine } from "../output/print.js";

/** Runs the agent until SIGINT or SIGTERM: the first signal ends it gracefully, the second at once. */
export const agent = defineCommand({
  meta: { name: "agent", description: "Run the agent beside a node" },
  args: { config: { type: "string", description: "configuration file", required: true, valueHint: "FILE" } },
  run: async ({ args }) => {
    const config = await readAgentConfig(args.config);
    const password = await readPassword(config.keys.passwordFile);
    const logger = createLogger(config.logLevel, createLogLines(), { node: config.name });
    const ended = endSignal(logger);
    const ending = new AbortController();
    void ended.then(() => ending.abort());
    const node = await startWhenPossible({ config, password, logger, clock: systemClock, signal: ending.signal });
    if (node === undefined) return;
    const { host, port } = config.http;
    const server = await serveHttp(host, port, {
      status: node.status,
      ballots: node.ballots,
      block: createBlockRoute(node.content),
      payload: node.keepPayload,
      document: node.keepDocument,
      catalog: createCatalogRoutes(node.catalog),
    }).catch(async (error: unknown) => {
      await node.stop();
      throw error;
    });
    const { self, content } = node;
    // Programs that start an agent wait for this line.
    printJsonLine({
      ready: true,
      agent: self,
      peerId: content.peerId,
      multiaddrs: content.multiaddrs(),
      http: server.url,
    });
    logger.info("the node is ready", { agent: self, http: server.url, peerId: content.peerId });

    await ended;
    await server.close();
    await node.stop();
  },
});

/** Resolves at the first SIGINT or SIGTERM. A signal that comes while the node starts ends it after the start. */
function endSignal(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    let ending = false;
    const end = (signal: NodeJS.Signals) => {
      if (ending) process.exit(130);
      ending = true;
      logger.info("ending; a second signal ends at once", { signal });
      resolve();
    };
    process.on("SIGINT", end);
    process.on("SIGTERM", end);
  });
}
