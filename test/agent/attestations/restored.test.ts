import { rm } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { SigningGuard } from "../../../src/agent/signing/signingGuard.js";
import { createAttestationMesh, done, failed } from "./attestationMesh.js";

/** A node that has attested, has lost its journal, and runs again with the others. */
async function restored(guard: Pick<SigningGuard, "permits" | "rolledBack">) {
  const mesh = await createAttestationMesh();
  await mesh.start([0, 1, 2]);
  const directive = await mesh.issue();
  await mesh.update();
  await mesh.attest(directive, done, 0);
  await mesh.waitForAttestations(directive, 1);
  const { dir } = mesh.node(0);
  await mesh.stop(0);
  await rm(dir, { recursive: true });
  await mesh.start([0], { guard });
  await mesh.update(0);
  return { directive, mesh };
}

describe("a node that has lost the journal of what it attested", () => {
  it("attests nothing else while its guard forbids it", async () => {
    const { directive, mesh } = await restored({ permits: () => false, rolledBack: async () => true });
    await mesh.attest(directive, failed, 0);
    expect(mesh.node(0).exchange.own(directive.id, "end")).toBeUndefined();
    expect(mesh.node(0).exchange.heard(directive)).toEqual([]);
  });

  it("takes back what a peer returns, tells its guard, and stands by it", async () => {
    const rollbacks: number[] = [];
    const { directive, mesh } = await restored({
      permits: () => false,
      rolledBack: async (more = 0) => rollbacks.push(more) > 0,
    });
    const { exchange } = mesh.node(0);
    const returned = mesh.node(1).exchange.signedBy(mesh.accountOf(0));
    expect(returned).toHaveLength(1);
    expect(mesh.node(1).exchange.signedBy(mesh.accountOf(2))).toEqual([]);
    for (const bytes of [...returned, Uint8Array.of(1)]) await exchange.take(bytes, mesh.nameOf(1));
    for (let times = 0; times < 2; times++) await mesh.update(0);
    expect(exchange.own(directive.id, "end")).toEqual({ directiveId: directive.id, ...done });
    expect([exchange.journalled, rollbacks]).toEqual([1, [0]]);
  });
});
