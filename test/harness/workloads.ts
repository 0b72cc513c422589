import { DirectiveRegistry__factory } from "../../src/ports/chain/bindings/index.js";
import {
  DirectiveKinds,
  type Hex,
  type Order,
  type OrderOf,
  type Release,
  type WorkloadSpec,
} from "../../src/records/index.js";
import { idOf, spec } from "../records/samples.js";
import type { TestDao } from "./dao.js";

/** A release of some name. */
export function releaseNamed(name: string): Release {
  return { name, command: ["node", "web.mjs"], sha256: idOf(`release ${name}`) };
}

/** An order that brings a release to a workload by a small specification: a wave takes two. */
export function deploySpec(
  workload: string,
  release: string,
  changes: Partial<WorkloadSpec> = {},
): OrderOf<"Deploy"> & { readonly spec: WorkloadSpec } {
  const strategy = { kind: "rolling", maxUnavailable: 2, maxSurge: 0 } as const;
  const small: WorkloadSpec = { ...spec, replicas: 3, selector: {}, spread: null, strategy, failureLimit: 0 };
  return { kind: "Deploy", workload, release: releaseNamed(release), spec: { ...small, ...changes } };
}

export interface IssueOptions {
  readonly window?: number;
  /** False if nobody is to have the payload. */
  readonly store?: boolean;
  /** In place of what the order is about. */
  readonly subject?: string;
}

/** Issues an order on chain, as one that has passed. */
export async function issueOrder(
  dao: Pick<TestDao, "client" | "content" | "witan">,
  order: Order,
  { store = true, subject, window = 3_600 }: IssueOptions = {},
): Promise<Hex> {
  const client = dao.client();
  const built = await client.prepareProposal({ order, window, ...(subject === undefined ? {} : { subject }) });
  if (store) await dao.content.put(built.block.bytes, { codec: "dag-cbor" });
  const { DirectiveRegistry: to, NodeTimelock: from } = client.chain.addresses;
  const { directive } = built;
  const kind = DirectiveKinds.indexOf(order.kind);
  const { evidence, ...parts } = directive;
  const data = DirectiveRegistry__factory.createInterface().encodeFunctionData("issue", [
    { ...parts, kind, evidence: [...evidence] },
  ]);
  const send = (method: string, ...params: unknown[]) => dao.witan.provider.request({ method, params });
  await send("hardhat_impersonateAccount", from);
  await send("hardhat_setBalance", from, "0xde0b6b3a7640000");
  await send("eth_sendTransaction", { from, to, data });
  await send("hardhat_stopImpersonatingAccount", from);
  return built.directiveId;
}

/** Has nodes attest how a directive ended until it is enacted. Those of `without` say nothing. */
export async function enact(
  dao: TestDao,
  directiveId: Hex,
  report: "done" | "failed",
  without: ReadonlySet<number> = new Set(),
): Promise<void> {
  for (const [index, client] of dao.clients.entries()) {
    if (without.has(index)) continue;
    if ((await client.getDirective({ directiveId })).status !== "Issued") return;
    await client.reportDirective({ directiveId, report, outcome: idOf(`outcome ${report}`) });
  }
}
