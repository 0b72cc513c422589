import { describe, expect, it } from "vitest";
import { messagesAbout, type RoundChannel } from "../../../../src/engines/learning/rounds/messages.js";
import { idOf, NODE } from "../../../records/samples.js";

const directive = idOf("directive");
const valid = [
  { type: "start", directive, round: 0, base: null, participants: [NODE] },
  { type: "update", directive, round: 0, base: null, cid: "bafy", sha256: idOf("update"), samples: 5 },
  { type: "end", directive, round: 0, ending: "committed", model: "bafy" },
  { type: "finished", directive },
];
const invalid = [
  null,
  "start",
  { type: "unknown", directive },
  { type: "finished" },
  { type: "finished", directive, note: "" },
  { ...valid[0], participants: [] },
  { ...valid[0], participants: ["nobody"] },
  { ...valid[0], round: -1 },
  { ...valid[1], cid: "b".repeat(129) },
  { ...valid[1], samples: 0.5 },
  { ...valid[2], ending: "won" },
  { type: "finished", directive: idOf("another directive") },
];

async function received(messages: readonly unknown[]): Promise<unknown[]> {
  const channel = {
    async *messages() {
      for (const message of messages) yield { from: NODE, message };
    },
  } as unknown as RoundChannel;
  const all: unknown[] = [];
  for await (const { message } of messagesAbout(directive, channel, new AbortController().signal)) all.push(message);
  return all;
}

describe("the messages about one directive", () => {
  it("are all that are valid, in order, with the directive's id in either case", async () => {
    const upper = { type: "finished", directive: `0x${directive.slice(2).toUpperCase()}` };
    expect(await received([...valid, upper])).toEqual([...valid, upper]);
  });

  it.each(invalid.map((message) => [JSON.stringify(message).slice(0, 80), message] as const))(
    "do not hold %s",
    async (_, message) => expect(await received([message, valid[3]])).toEqual([valid[3]]),
  );
});
