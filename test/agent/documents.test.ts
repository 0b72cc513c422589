import { expect, it } from "vitest";
import { createDocumentIntake } from "../../src/agent/documents.js";
import { createJsonContent, createMemoryContent } from "../../src/ports/content/index.js";
import { sealEnvelope } from "../../src/ports/keys/envelope.js";
import { DOCUMENT_TOPIC, PAYLOAD_TOPIC } from "../../src/ports/keys/payloadTopic.js";
import { operatorKey } from "../harness/deploy.js";

const member = operatorKey(0);
const context = { chainId: 31337, governor: member.address as `0x${string}` };
const base64 = (text: string) => Buffer.from(text).toString("base64");

function intake() {
  const content = createMemoryContent();
  const take = createDocumentIntake({
    content,
    context,
    async requireMember(account) {
      if (account !== member.address) throw new Error(`${account} is not a member`);
    },
  });
  return { content, take };
}

it("stores a member's document under the CID of its bytes", async () => {
  const { content, take } = intake();
  const expected = await createJsonContent(createMemoryContent()).put({ a: 1 });
  const envelope = await sealEnvelope(member, { ...context, topic: DOCUMENT_TOPIC }, base64('{"a":1}'));
  expect(await take(envelope)).toBe(expected);
  expect(await createJsonContent(content).get(expected)).toEqual({ a: 1 });
});

it("refuses a stranger's document, an envelope of another topic, and what is not a JSON object", async () => {
  const { take } = intake();
  const stranger = operatorKey("a stranger");
  const seal = (body: string, topic = DOCUMENT_TOPIC, signer = member) =>
    sealEnvelope(signer, { ...context, topic }, body);
  await expect(take(await seal(base64("{}"), DOCUMENT_TOPIC, stranger))).rejects.toThrow("is not a member");
  await expect(take(await seal(base64("{}"), PAYLOAD_TOPIC))).rejects.toThrow("is not a member");
  for (const text of ["{", "12", "null", "\u0000"]) {
    await expect(take(await seal(base64(text)))).rejects.toMatchObject({ code: "invalid-input" });
  }
  await expect(take(new Uint8Array(3))).rejects.toMatchObject({ code: "bad-envelope" });
});
