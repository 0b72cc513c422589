import { toBeHex } from "ethers";
import { contractInterfaces } from "../../../src/ports/chain/index.js";
import { deployWitan, startHardhatNode } from "../../../test/harness/deploy.js";

/**
 * A process with a development chain that holds very many Anchored events. Its arguments are the number of events and the
 * number per block. Prints `{ rpcUrl, deployment }` once all events are there, and ends when its standard input ends.
 *
 * The registry would take minutes for so many anchors, so its code is replaced for a while by code that only emits the
 * events. A reader gets the same over RPC.
 */
const [events = 100_000, perBlock = 100] = process.argv.slice(2).map(Number);

const node = await startHardhatNode();
const witan = await deployWitan({ node, nodes: 1 });
const { deployment, provider } = witan;
const registry = deployment.contracts.KnowledgeRegistry;
const send = (method: string, ...params: unknown[]) => provider.request({ method, params }) as Promise<string>;

/** for (n = calldata[0]; n > 0; n--) emit Anchored(caller, keccak256(n, calldata[1]), n, 1, the same hash) */
const flood = [
  "5f35", // n
  "5b", // at 2, the loop:
  "8015604c57", // n = 0: jump to 0x4c
  "805f52602035602052", // memory: n, seed
  "60405f20", // their hash, the root
  "80604052600160205233", // memory: n, 1, hash; the caller
  `7f${contractInterfaces.KnowledgeRegistry.getEvent("Anchored").topicHash.slice(2)}`,
  "60605fa3", // log3 of the memory
  "6001900360025600", // n - 1, jump to 2
  "5b00", // at 0x4c, the end
].join("");

const code = await send("eth_getCode", registry, "latest");
const accounts = (await provider.request({ method: "eth_accounts", params: [] })) as string[];
await send("hardhat_setCode", registry, `0x${flood}`);
for (let written = 0, seed = 0; written < events; written += perBlock, seed++) {
  const data = `0x${[Math.min(perBlock, events - written), seed].map((word) => toBeHex(word, 32).slice(2)).join("")}`;
  await send("eth_sendTransaction", {
    from: accounts[seed % accounts.length],
    to: registry,
    data,
    gas: toBeHex(25_000_000),
  });
}
await send("hardhat_setCode", registry, code);

process.stdout.write(`${JSON.stringify({ rpcUrl: node.rpcUrl, deployment })}\n`);
process.stdin.resume();
process.stdin.once("end", () => process.exit(0));
