import { readFile } from "node:fs/promises";
import { openCatalog } from "../../src/catalog/index.js";
import { createChain } from "../../src/ports/chain/index.js";
import { createGatewayContent } from "../../src/ports/content/index.js";

/** Syncs a catalog again and again from a network file until it is up to date: what kill.test.ts kills. */
const [networkFile = "", path = ""] = process.argv.slice(2);
const { rpc, deployment, gateways } = JSON.parse(await readFile(networkFile, "utf8"));
const chain = await createChain({ rpcUrl: rpc, ...deployment });
const content = createGatewayContent({ urls: gateways });
const catalog = await openCatalog({ path, chain, content });
process.stdout.write("ready\n");
await catalog.sync({ retryAll: true });
process.stdout.write("done\n");
await catalog.close();
chain.close();
