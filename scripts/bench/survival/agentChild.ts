/** An agent like that of `witan agent`, which also writes records and prints the CID of each once it is anchored. */
import { writeSync } from "node:fs";
import { readAgentConfig } from "../../../src/agent/config.js";
import { startNode } from "../../../src/agent/node.js";
import { createClient, type NewRecord } from "../../../src/client/index.js";
import { createChain } from "../../../src/ports/chain/index.js";
import { createGatewayHandler } from "../../../src/ports/content/index.js";
import { readAccountKey } from "../../../src/ports/keys/index.js";
import { createCatalogRoutes } from "../../../src/surfaces/http/catalogRoutes.js";
import { serveHttp } from "../../../src/surfaces/http/server.js";
import { createLogger } from "../../../src/utils/logger.js";

const BATCH = 100;

const [file = "", password = "", count = "0"] = process.argv.slice(2);
const config = await readAgentConfig(file);
const node = await startNode(
  config,
  password,
  createLogger(config.logLevel, (line) => process.stderr.write(`${line}\n`)),
);
await serveHttp(config.http.host, config.http.port, {
  status: node.status,
  ballots: node.ballots,
  block: createGatewayHandler(node.content),
  payload: node.keepPayload,
  document: node.keepDocument,
  catalog: createCatalogRoutes(node.catalog),
});
const { rpcUrls, ...deployment } = config.chain;
const signer = await readAccountKey(config.keys.agent, password);
const client = createClient({
  chain: await createChain({ rpcUrl: rpcUrls, ...deployment, signer }),
  content: node.content,
});
const say = (...words: string[]) => writeSync(1, `${words.join(" ")}\n`);

for (let first = 0; first < Number(count); first += BATCH) {
  const size = Math.min(BATCH, Number(count) - first);
  const records = Array.from(
    { length: size },
    (_, i): NewRecord => ({
      kind: "Incident",
      value: {
        schema: "witan/incident/1",
        kind: "replica-unhealthy",
        severity: "low",
        subject: `${config.name}/${first + i}`,
        observed: {},
        detection: { probe: "survival" },
        resolution: null,
      },
    }),
  );
  for (const { cid } of (await client.anchorRecords({ records })).records) say("anchored", cid);
}
say("written");
