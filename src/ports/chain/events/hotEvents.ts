import { getAddress } from "ethers";
import type { Address } from "../../../records/index.js";
import { contractInterfaces } from "../contracts/contracts.js";
import type { ChainEvent, RawLog } from "./event.js";

/**
 * The events that come in great numbers, decoded at fixed offsets: their data is a few words, so no ABI decoder has to
 * walk it. About ten times as fast, and the same result.
 */
type HotDecoder = (log: RawLog) => Pick<ChainEvent, "contract" | "name" | "args"> | undefined;

const WORD = 64;

/** Word `index` of the data, as digits without `0x`. */
function word({ data }: RawLog, index: number): string {
  return data.slice(2 + index * WORD, 2 + (index + 1) * WORD);
}

function uint(log: RawLog, index: number): bigint {
  return BigInt(`0x${word(log, index)}`);
}

function hasShape({ topics, data }: RawLog, indexed: number, words: number): boolean {
  return topics.length === indexed + 1 && data.length === 2 + words * WORD;
}

/** Authors are few and their logs many: each address gets its checksum once. */
const MAX_ADDRESSES = 20_000;

function createAddressOf(): (topic: string) => Address {
  const known = new Map<string, Address>();
  return (topic) => {
    const found = known.get(topic);
    if (found !== undefined) return found;
    const address = getAddress(`0x${topic.slice(-40)}`) as Address;
    if (known.size >= MAX_ADDRESSES) known.clear();
    known.set(topic, address);
    return address;
  };
}

/** Decoders by the first topic. One whose log has another shape gives undefined: the ABI decoder has its say then. */
export function createHotDecoders(): ReadonlyMap<string, HotDecoder> {
  const addressOf = createAddressOf();
  const { KnowledgeRegistry, DirectiveRegistry } = contractInterfaces;
  return new Map<string, HotDecoder>([
    [
      KnowledgeRegistry.getEvent("Anchored").topicHash,
      (log) => {
        if (!hasShape(log, 2, 3)) return undefined;
        const [, author = "", root = ""] = log.topics;
        const args = {
          author: addressOf(author),
          root,
          sequence: uint(log, 0),
          count: uint(log, 1),
          manifest: `0x${word(log, 2)}`,
        };
        return { contract: "KnowledgeRegistry", name: "Anchored", args };
      },
    ],
    [
      DirectiveRegistry.getEvent("DirectiveReported").topicHash,
      (log) => {
        if (!hasShape(log, 3, 1)) return undefined;
        const [, directiveId = "", node = "", report = ""] = log.topics;
        const args = {
          directiveId,
          node: addressOf(node),
          report: BigInt(report),
          outcome: `0x${word(log, 0)}`,
        };
        return { contract: "DirectiveRegistry", name: "DirectiveReported", args };
      },
    ],
  ]);
}
