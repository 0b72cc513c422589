import { join } from "node:path";
import { getBytes } from "ethers";
import { expect } from "vitest";
import { AttestationExchange } from "../../../src/agent/attestations/exchange.js";
import { encodeAttestation } from "../../../src/agent/attestations/message.js";
import { signAttestation } from "../../../src/agent/attestations/sign.js";
import { type Attestation, partOf, type Statement } from "../../../src/agent/attestations/statement.js";
import type { SigningGuard } from "../../../src/agent/signing/signingGuard.js";
import type { IssuedDirective } from "../../../src/client/index.js";
import type { ContentId, Hex, Order } from "../../../src/records/index.js";
import { bls } from "../../harness/bls.js";
import { restartOrder } from "../../harness/dao.js";
import type { DeployWitanOptions } from "../../harness/deploy.js";
import { createMesh, type MeshNodeOptions } from "../../harness/mesh.js";
import { NEVER_MS, patience } from "../../harness/patience.js";

/** What a node reports of a directive. */
export type NodeStatement = Pick<Statement, "report" | "outcome">;

/** How long a directive is carried out for in these tests, in seconds: longer than others decide on members meanwhile. */
const WINDOW = 3_600;

export const outcomeOf = (name: number): ContentId => `0x${name.toString(16).padStart(2, "0").repeat(32)}`;
export const ready: NodeStatement = { report: "ready", outcome: null };
export const done: NodeStatement = { report: "done", outcome: outcomeOf(1) };
export const failed: NodeStatement = { report: "failed", outcome: outcomeOf(2) };

export interface AttestationNodeOptions extends MeshNodeOptions {
  readonly waitForMoreMs?: number;
  readonly guard?: Pick<SigningGuard, "permits" | "rolledBack">;
}

export type AttestationMesh = Awaited<ReturnType<typeof createAttestationMesh>>;

/** A mesh whose nodes exchange attestations. */
export async function createAttestationMesh(deploy: DeployWitanOptions = {}) {
  const journalIn = (dir: string) => join(dir, "attestations.jsonl");
  const mesh = await createMesh(
    async (node, { guard, waitForMoreMs = NEVER_MS }: AttestationNodeOptions) => ({
      exchange: await AttestationExchange.open({ ...node, node, guard, path: journalIn(node.dir), waitForMoreMs }),
    }),
    deploy,
  );
  const { dao } = mesh;
  const { chain, getDirective, listReports } = dao.client();
  const { directives } = chain.contracts;
  const topic = `witan/attestations/1/${chain.addresses.DirectiveRegistry.toLowerCase()}`;

  /** The last report of each node on chain; no node has ended its part twice. */
  async function counted(directiveId: Hex): Promise<Record<number, NodeStatement>> {
    const reports = await listReports({ directiveId });
    const ends = reports.filter((each) => partOf(each) === "end").map(({ node }) => node);
    expect(new Set(ends).size).toBe(ends.length);
    return Object.fromEntries(reports.map(({ node, outcome, report }) => [mesh.indexOf(node), { report, outcome }]));
  }

  return {
    ...mesh,
    journalOf: (index: number) => journalIn(mesh.node(index).dir),
    /** Has the nodes decide on an order, or a restart of this replica; it is issued and, without a delay, active. */
    async issue(
      what: string | Order = "web-3",
      times: { delay?: number; window?: number } = {},
    ): Promise<IssuedDirective> {
      const order =
        typeof what === "string" ? ({ ...restartOrder, replica: what, instance: `${what}/1` } as Order) : what;
      const { proposalId } = await dao.client().openProposal({ order, window: WINDOW, ...times });
      return getDirective({ directiveId: await dao.carryOut(proposalId) });
    },
    /** Has nodes attest a report. */
    async attest(directive: IssuedDirective, report: NodeStatement, ...indices: number[]): Promise<void> {
      for (const index of indices) await mesh.node(index).exchange.attest(directive, report);
    },
    /** Signs an attestation in a node's name, past every check of its own. */
    sign(directiveId: Hex, index: number, report: NodeStatement, blsSecret = dao.witan.blsKeys[index]): Attestation {
      const context = { chainId: chain.chainId, directives: chain.addresses.DirectiveRegistry };
      const statement = { directiveId, ...report };
      return signAttestation({ bls, context, blsSecret: blsSecret ?? new Uint8Array(), index, statement });
    },
    /** Publishes attestations, or any bytes, in a node's name. */
    async publish(index: number, ...messages: readonly (Attestation | Uint8Array)[]): Promise<void> {
      const bytes = messages.map((each) => (each instanceof Uint8Array ? each : encodeAttestation(each)));
      await mesh.publish(index, topic, bytes);
    },
    /** Waits until these nodes, or all, know so many attestations. */
    waitForAttestations: (directive: IssuedDirective, count: number, ...indices: number[]) =>
      mesh.waitForEach(indices, ({ exchange }) => exchange.heard(directive).length, count),
    counted,
    /** Waits until exactly these reports are counted. */
    async waitForReports(directiveId: Hex, reports: Readonly<Record<number, NodeStatement>>): Promise<void> {
      await expect.poll(() => counted(directiveId), patience).toEqual(reports);
    },
    statusOf: async (directiveId: Hex) => (await getDirective({ directiveId })).status,
    /** Waits until the directive has ended so. */
    async waitForStatus(directiveId: Hex, status: IssuedDirective["status"]): Promise<void> {
      await expect.poll(async () => (await getDirective({ directiveId })).status, patience).toBe(status);
    },
    /** All transactions with reports on a directive. */
    transactions: (directiveId: Hex) => mesh.transactions(directives, "report", directiveId),
    /** Those that brought what is counted. */
    settlements: (directiveId: Hex) => mesh.settlements(directives, "report", directiveId),
    /** Who settles the reports of a directive's end, the first in line first. */
    settlersOf: (directiveId: Hex) => mesh.leadersOf(`attest ${directiveId}`),
  };
}

/** The attestation with one bit of its signature turned. */
export function altered(attestation: Attestation): Attestation {
  const signature = getBytes(attestation.signature).slice();
  signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  return { ...attestation, signature };
}
