import type { NodeRegistry } from "../../../src/ports/chain/bindings/index.js";
import { type Admission, admissionOf } from "./eip2537.js";

/** The operators of these indices. */
export async function operatorsOf(registry: NodeRegistry, indices: readonly (number | bigint)[]): Promise<string[]> {
  return Promise.all(indices.map(async (index) => (await registry.node(index)).operator));
}

/** Removes the seats that have these indices; the registry acts for the timelock. */
export async function removeNodes(
  registry: NodeRegistry,
  indices: readonly (number | bigint)[],
  overrides: { readonly gasLimit?: number } = {},
) {
  return registry.remove(await operatorsOf(registry, indices), overrides);
}

/** What gives the seat at `index` an agent with the key of this name, by its operator's consent; the account stays the same. */
export async function nextAgentOf(registry: NodeRegistry, index: number | bigint, key: string): Promise<Admission> {
  const { operator, agent } = await registry.node(index);
  const { nonce } = await registry.seat(operator);
  return admissionOf(operator, key, { agent, nonce: Number(nonce) });
}

/** Gives the seat at `index` an agent with the key of this name, a day after its last at the earliest. */
export async function rotateAgent(
  registry: NodeRegistry,
  index: number | bigint,
  key: string,
  overrides: { readonly gasLimit?: number } = {},
) {
  return registry.setAgentBySig(await nextAgentOf(registry, index, key), overrides);
}
