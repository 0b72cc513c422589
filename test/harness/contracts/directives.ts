import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { id, ZeroHash } from "ethers";
import type { DirectiveRegistry, NodeRegistry } from "../../../src/ports/chain/bindings/index.js";
import { consentTo } from "./consents.js";
import { admissionOf } from "./eip2537.js";
import { namesBase } from "./governanceHelper.js";
import { ethers, networkHelpers } from "./nodes.js";

export { ethers, networkHelpers };

/** `IDirectiveRegistry.Report`. */
export const Report = { None: 0n, Ready: 1n, Done: 2n, Failed: 3n } as const;
/** `IDirectiveRegistry.Status`. */
export const Status = { Unknown: 0n, Issued: 1n, Done: 2n, Failed: 3n, Lapsed: 4n } as const;

export interface DirectiveContracts {
  registry: NodeRegistry;
  directives: DirectiveRegistry;
  timelock: HardhatEthersSigner;
  stranger: HardhatEthersSigner;
  /** Operators of the nodes 0, 1, ... */
  nodes: HardhatEthersSigner[];
  /** Accounts that have not been admitted yet. */
  later: HardhatEthersSigner[];
}

export function admissionOfSigner({ address }: HardhatEthersSigner, key = address) {
  return admissionOf(address, key);
}

/** A committee of `size` nodes whose operators can sign. */
export async function deployDirectives(size: number): Promise<DirectiveContracts> {
  const [timelock, stranger, ...operators] = await ethers.getSigners();
  if (!timelock || !stranger) throw new Error("the network has too few accounts");
  const changes = await ethers.deployContract("NodeChanges", [timelock.address]);
  const registry = await ethers.deployContract("NodeRegistry", [timelock.address, timelock.address, changes]);
  const at = await registry.getAddress();
  consentTo(at);
  const directives = await ethers.deployContract("DirectiveRegistry", [timelock.address, at]);
  const nodes = operators.slice(0, size);
  const contracts = {
    registry: registry as unknown as NodeRegistry,
    directives: directives as unknown as DirectiveRegistry,
    timelock,
    stranger,
    nodes,
    later: operators.slice(size),
  };
  await contracts.registry.admit(nodes.map((node) => admissionOfSigner(node)));
  // From now on every seat may set its next agent.
  await networkHelpers.time.increase(86_400);
  return contracts;
}

/** A directive with `change` and defaults for the rest. */
export function directiveOf(change: Partial<DirectiveFields> = {}): DirectiveFields {
  return {
    kind: 3,
    subject: id("replica/web/3"),
    payload: id("payload"),
    delay: 0,
    window: 1_000,
    salt: ZeroHash,
    base: ZeroHash,
    evidence: [],
    ...change,
  };
}

interface DirectiveFields {
  kind: number;
  subject: string;
  payload: string;
  delay: number;
  window: number;
  salt: string;
  base: string;
  evidence: string[];
}

/** Issues on the newest base and returns the directive's id. */
export async function issue(
  { directives }: DirectiveContracts,
  change: Partial<DirectiveFields> = {},
): Promise<string> {
  const directive = directiveOf(change);
  if (change.base === undefined && namesBase(Number(directive.kind)))
    directive.base = await directives.lastIssued(directive.subject);
  await directives.issue(directive);
  return directives.directiveId(directive);
}
