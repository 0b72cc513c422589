import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BaseError } from "../../../../src/errors.js";
import { createJsonContent } from "../../../../src/ports/content/index.js";
import { node } from "../../../../src/surfaces/cli/commands/node/node.js";
import { ExitCodes } from "../../../../src/surfaces/cli/exitCodes.js";
import { type Network, run, startNetwork } from "../../network.js";

let network: Network;
let base: readonly string[];

beforeAll(async () => {
  network = await startNetwork();
  base = ["--network", network.networkFile];
});
afterAll(() => network.close());

describe("the network file", () => {
  it.each([
    ["is missing", undefined],
    ["is not JSON", "{"],
    ["lacks the deployment", { rpc: "http://127.0.0.1:8545" }],
    ["has an unknown field", { rpc: "http://127.0.0.1:8545", deployment: {}, color: "red" }],
  ])("is refused where it %s", async (_what, content) => {
    const path = content === undefined ? "/nowhere/network.json" : await network.file("bad-network.json", content);
    const result = await run(node, "list", "--network", path);
    expect([result.out, result.code]).toEqual(["", ExitCodes.usage]);
    expect(result.error).toBeInstanceOf(BaseError);
  });

  it("may lead to an RPC that is down", async () => {
    const result = await run(node, "list", ...base, "--rpc", "http://127.0.0.1:9");
    expect([result.code, result.error]).toEqual([
      ExitCodes.unavailable,
      expect.objectContaining({ code: "rpc-unreachable" }),
    ]);
  });

  it("may lead to another chain", async () => {
    const { deployment } = network.described;
    const file = await network.file("other-chain.json", {
      ...network.described,
      deployment: { ...deployment, chainId: 1 },
    });
    const { code, error } = await run(node, "list", "--network", file);
    expect([code, error]).toEqual([ExitCodes.refused, expect.objectContaining({ code: "wrong-chain" })]);
  });
});

describe("a network document on IPFS", () => {
  const publish = (value: unknown) => createJsonContent(network.setting.content).put(value);

  it("is fetched by a gateway's address, and gives what the file gives", async () => {
    const cid = await publish(network.described);
    const found = await run(node, "list", "--network", `${network.gateway.url}/ipfs/${cid}`, "--json");
    expect([found.code, found.out]).toEqual([ExitCodes.ok, (await run(node, "list", ...base, "--json")).out]);
  });

  it("is refused if it is another document, and is unavailable if no gateway has it", async () => {
    const other = await publish({ rpc: "http://127.0.0.1:1" });
    const refused = await run(node, "list", "--network", `${network.gateway.url}/ipfs/${other}`);
    expect([refused.code, refused.error]).toEqual([ExitCodes.usage, expect.any(BaseError)]);
    const record = await network.setting.content.put(new Uint8Array([0xa0]));
    expect((await run(node, "list", "--network", `${network.gateway.url}/ipfs/${record}`)).code).toBe(ExitCodes.usage);
    const missing = `${network.gateway.url}/ipfs/bagaaierasords4njcts6vs7qvdjfcvgnume4hqohf65zsfguprqphs3icwea`;
    expect((await run(node, "list", "--network", missing)).code).toBe(ExitCodes.unavailable);
  });
});
