import { getAddress, isAddress } from "ethers";
import { z } from "zod";
import { ConfigError } from "../../../errors.js";
import type { Address } from "../../../records/index.js";

/** The contracts of one DAO, by the name of their source. */
export const ContractNames = [
  "NodeRegistry",
  "NodePresence",
  "HostRegistry",
  "KnowledgeRegistry",
  "ModelRegistry",
  "ParameterRegistry",
  "PublisherRegistry",
  "DirectiveRegistry",
  "NodeGovernor",
  "NodeTimelock",
] as const;

export type ContractName = (typeof ContractNames)[number];

/** The chain and contract addresses of one DAO, as the deployment script writes them. */
export interface Deployment {
  readonly chainId: number;
  readonly contracts: Readonly<Record<ContractName, Address>>;
  /** The block to read events from. */
  readonly deployedAtBlock: number;
}

const address = z
  .string()
  .refine((text) => isAddress(text), "is not an address")
  .transform((text) => getAddress(text) as Address);

const deploymentSchema = z.strictObject({
  chainId: z.int().positive(),
  contracts: z.strictObject({
    NodeRegistry: address,
    NodePresence: address,
    HostRegistry: address,
    KnowledgeRegistry: address,
    ModelRegistry: address,
    ParameterRegistry: address,
    PublisherRegistry: address,
    DirectiveRegistry: address,
    NodeGovernor: address,
    NodeTimelock: address,
  }),
  deployedAtBlock: z.int().nonnegative(),
});

/**
 * Reads a deployment from parsed JSON. Addresses come out checksummed.
 *
 * @throws {@link ConfigError} naming the first field that is missing, unknown or wrong.
 */
export function parseDeployment(value: unknown): Deployment {
  const result = deploymentSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.join(".") || "the document";
  throw new ConfigError(`The deployment is not valid: ${field}: ${issue?.message ?? "wrong"}.`, {
    hints: ["Take the deployment file that the deployment script wrote."],
  });
}
