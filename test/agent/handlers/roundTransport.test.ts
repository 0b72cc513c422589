import type { Wallet } from "ethers";
import { expect, it } from "vitest";
import { RoundTransport } from "../../../src/agent/handlers/roundTransport.js";
import type { GossipHandler } from "../../../src/ports/gossip/index.js";
import { sealEnvelope } from "../../../src/ports/keys/envelope.js";
import type { Address } from "../../../src/records/index.js";
import { createLogger } from "../../../src/utils/logger.js";
import { operatorKey } from "../../harness/deploy.js";

const context = { chainId: 31_337, governor: `0x${"ab".repeat(20)}`, topic: "witan/rounds/0xab" } as const;
const members = [operatorKey(0), operatorKey(1)];
const stranger = operatorKey("a stranger");

/** A topic in this process: as gossipsub does, it brings a message to all others and not back to its sender. */
function topic() {
  const handlers = new Map<number, GossipHandler>();
  return {
    handlers,
    gossip: (node: number) => ({
      publish: async (_topic: string, bytes: Uint8Array) => {
        const others = [...handlers].filter(([other]) => other !== node);
        await Promise.all(others.map(([, handler]) => handler(bytes, `peer-${node}`)));
        return others.length;
      },
      subscribe: (_topic: string, handler: GossipHandler) => {
        handlers.set(node, handler);
        return () => void handlers.delete(node);
      },
    }),
  };
}

interface Word {
  readonly word: string;
}

async function nodes(...wallets: readonly Wallet[]) {
  const { gossip, handlers } = topic();
  const refusals: string[] = [];
  const logger = createLogger("warn", (line) => {
    const { message, reason } = JSON.parse(line);
    refusals.push(`${message}${reason === undefined ? "" : `: ${reason}`}`);
  });
  const isMember = async (account: Address) => members.some(({ address }) => address === account);
  const transports = wallets.map(
    (wallet, node) =>
      new RoundTransport<Word>({
        gossip: gossip(node),
        context,
        seal: (its, body) => sealEnvelope(wallet, its, body),
        isMember,
        logger,
      }),
  );
  for (const transport of transports) await transport.start();
  /** What a node hears from now on. */
  const listen = (node: number) => {
    const heard: string[] = [];
    const controller = new AbortController();
    const reading = (async () => {
      for await (const { from, message } of transports[node]?.messages(controller.signal) ?? [])
        heard.push(`${message.word} by ${from}`);
    })();
    const end = () => {
      controller.abort();
      return reading;
    };
    return { heard, end };
  };
  const inject = async (bytes: Uint8Array) => void (await handlers.get(0)?.(bytes, "peer-x"));
  return { transports, handlers, refusals, listen, inject };
}

it("brings a member's message to every node, its own too, with who said it", async () => {
  const { transports, handlers, listen } = await nodes(...members);
  const readers = [listen(0), listen(1)];
  await transports[0]?.publish({ word: "start" });
  await transports[1]?.publish({ word: "update" });
  const all = [`start by ${members[0]?.address}`, `update by ${members[1]?.address}`];
  for (const { heard } of readers) await expect.poll(() => heard).toEqual(all);
  for (const { end } of readers) await end();
  for (const transport of transports) await transport.stop();
  expect(handlers.size).toBe(0);
});

it("refuses a stranger, to its face and on the others' side", async () => {
  const { transports, refusals, listen } = await nodes(...members, stranger);
  const { heard, end } = listen(0);
  await transports[2]?.publish({ word: "let me in" });
  await transports[1]?.publish({ word: "hello" });
  await expect.poll(() => heard).toEqual([`hello by ${members[1]?.address}`]);
  expect(refusals).toEqual(Array(3).fill("a round message was refused: its author is not a member"));
  await end();
});

it("refuses what is no envelope, is another context's, or holds no JSON, and goes on", async () => {
  const { transports, refusals, listen, inject } = await nodes(...members);
  const { heard, end } = listen(0);
  const [member = stranger] = members;
  await inject(new TextEncoder().encode("hello"));
  await inject(await sealEnvelope(member, { ...context, chainId: 1 }, '{"word":"replayed"}'));
  await inject(await sealEnvelope(member, context, "no JSON"));
  await transports[1]?.publish({ word: "still here" });
  await expect.poll(() => heard).toEqual([`still here by ${members[1]?.address}`]);
  expect(refusals).toEqual([
    expect.stringContaining("is not a signed envelope"),
    "a round message was refused: its author is not a member",
    expect.stringContaining("not valid JSON"),
  ]);
  await end();
});

it("keeps the newest thousand for a reader that is slow", async () => {
  const { transports } = await nodes(...members.slice(0, 1));
  const controller = new AbortController();
  const reader = transports[0]?.messages(controller.signal);
  const first = reader?.next();
  for (let n = 0; n <= 1_001; n++) await transports[0]?.publish({ word: String(n) });
  expect((await first)?.value?.message.word).toBe("0");
  const second = (await reader?.next())?.value;
  expect(Number(second?.message.word)).toBe(2);
  controller.abort();
  await reader?.return(undefined);
});
