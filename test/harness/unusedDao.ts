import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Deployment } from "../../src/ports/chain/index.js";

/** Each contract has an address of its own; that of the timelock is zero, which a contract without state answers. */
const contracts = {
  NodeRegistry: `0x${"11".repeat(20)}`,
  KnowledgeRegistry: `0x${"22".repeat(20)}`,
  ModelRegistry: `0x${"33".repeat(20)}`,
  ParameterRegistry: `0x${"44".repeat(20)}`,
  NodePresence: `0x${"88".repeat(20)}`,
  HostRegistry: `0x${"99".repeat(20)}`,
  PublisherRegistry: `0x${"77".repeat(20)}`,
  DirectiveRegistry: `0x${"55".repeat(20)}`,
  NodeGovernor: `0x${"66".repeat(20)}`,
  NodeTimelock: `0x${"00".repeat(20)}`,
} as const;

const word = (value: number) => value.toString(16).padStart(64, "0");

/** What `eth_call` gives: three of five nodes decide, the rules of a track are ones, and nothing else was ever set. */
function answerOf(to: string): string {
  if (to === contracts.DirectiveRegistry) return `0x${word(3)}`;
  return `0x${word(to === contracts.NodeGovernor ? 1 : 0).repeat(16)}`;
}

/**
 * The RPC of a DAO that nobody has used, on loopback: enough to open a chain and to find no event. It answers within a
 * millisecond, so that what opens and closes a chain is tested without one.
 */
export async function unusedDao(chainId = 31_337) {
  const methods: string[] = [];
  const results: Record<string, (params: readonly unknown[]) => unknown> = {
    eth_chainId: () => `0x${chainId.toString(16)}`,
    eth_blockNumber: () => "0x1",
    eth_getCode: () => "0x00",
    eth_getLogs: () => [],
    eth_getBlockByNumber: () => ({ number: "0x1", hash: `0x${word(1)}`, timestamp: "0x1" }),
    eth_call: ([call]) => answerOf((call as { to: string }).to.toLowerCase()),
  };
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
    methods.push(method);
    const result = results[method]?.(params);
    const error = { code: -32_601, message: `there is no method ${method}` };
    response.end(JSON.stringify({ jsonrpc: "2.0", id, ...(result === undefined ? { error } : { result }) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const deployment: Deployment = { chainId, contracts, deployedAtBlock: 0 };
  return { rpc: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, deployment, methods };
}
