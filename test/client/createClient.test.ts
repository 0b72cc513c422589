import { expect, it } from "vitest";
import type { ClientParameters } from "../../src/client/client.js";
import { createClient } from "../../src/client/createClient.js";

const client = createClient({ chain: { addresses: {} }, content: {} } as unknown as ClientParameters);

it("lets a later extension replace an earlier one's verb, as its type says", () => {
  const twice = client.extend(() => ({ rank: () => 1, other: () => "kept" })).extend(() => ({ rank: () => 2 }));
  expect([twice.rank(), twice.other()]).toEqual([2, "kept"]);
});

it("lets no extension replace a verb of the client itself", () => {
  const decorator = () => ({ listNodes: () => "mine" });
  // @ts-expect-error The type refuses the name too.
  const shadowed: unknown = client.extend(decorator);
  expect(shadowed).toMatchObject({ listNodes: client.listNodes });
});
