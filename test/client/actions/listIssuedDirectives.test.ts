import { expect, it } from "vitest";
import { listIssuedDirectives } from "../../../src/client/actions/listIssuedDirectives.js";
import { eventOf } from "../../harness/events.js";
import { cacheOf, contextOf } from "../../harness/fakeClient.js";
import { idOf } from "../../records/samples.js";

const issued = (name: string, blockNumber: number) =>
  eventOf(
    "DirectiveIssued",
    { directiveId: idOf(name), directive: { evidence: [idOf(`${name}'s`)] } },
    { blockNumber },
  );
const events = [issued("first", 3), issued("second", 5)];

it("lists directives by reference, oldest first, with what they cite", async () => {
  const client = contextOf({ directives: cacheOf(...events) });
  expect(await listIssuedDirectives(client)).toEqual(
    ["first", "second"].map((name, i) => ({
      ...{ directiveId: idOf(name), evidence: [idOf(`${name}'s`)] },
      ...{ transactionHash: events[i]?.transactionHash, blockNumber: events[i]?.blockNumber },
    })),
  );
});

it("ends at once when its signal aborts, though the chain does not answer", async () => {
  const client = contextOf({ directives: { read: () => new Promise(() => undefined) } });
  const controller = new AbortController();
  const listed = listIssuedDirectives(client, { signal: controller.signal });
  controller.abort(new Error("enough"));
  await expect(listed).rejects.toThrow("enough");
});
