import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { network } from "hardhat";
import type { NodeRegistry } from "../../../src/ports/chain/bindings/index.js";
import { accountOf, consentTo, newestRegistry } from "./consents.js";
import { type Admission, admissionOf } from "./eip2537.js";

export const { ethers, networkHelpers } = await network.create();

/** A registry whose timelock is an account of the test. */
export interface RegistryContracts {
  registry: NodeRegistry;
  timelock: HardhatEthersSigner;
  founder: HardhatEthersSigner;
  stranger: HardhatEthersSigner;
}

export async function deployRegistry(): Promise<RegistryContracts> {
  const [timelock, founder, stranger] = await ethers.getSigners();
  if (!timelock || !founder || !stranger) throw new Error("the network has too few accounts");
  const changes = await ethers.deployContract("NodeChanges", [timelock.address]);
  const deployed = await ethers.deployContract("NodeRegistry", [timelock.address, founder.address, changes]);
  const registry = deployed as unknown as NodeRegistry;
  consentTo(await registry.getAddress());
  return { registry: registry.connect(timelock), timelock, founder, stranger };
}

/** From now on every seat may set its next agent. */
export async function nextDay(): Promise<void> {
  await networkHelpers.time.increase(86_400);
}

/** From now on votes may admit and remove as many seats as ever. */
export async function nextMonth(): Promise<void> {
  await networkHelpers.time.increase(30 * 86_400);
}

/** The account of an operator or an agent, to send transactions by. */
export async function signerOf(address: string): Promise<HardhatEthersSigner> {
  await networkHelpers.setBalance(address, 10n ** 18n);
  return ethers.getImpersonatedSigner(address);
}

/** A deployment with nodes 0 to `size - 1` admitted at once. */
export async function deployRegistryWith(size: number): Promise<RegistryContracts> {
  const contracts = await deployRegistry();
  await contracts.registry.admit(admissions(size));
  return contracts;
}

/** The operator's address of the node named `name`, whose key has the same name. */
export function operatorOf(name: string | number): string {
  return accountOf(name);
}

const made = new Map<string, Admission>();

/** The admission of `operator` with the key named `key`. Made once a process: a possession proof takes milliseconds. */
export function admission(operator: string | number, key: string | number = operator): Admission {
  const id = `${operator}/${key}/${newestRegistry()}`;
  const known = made.get(id) ?? admissionOf(operatorOf(operator), `key ${key}`);
  made.set(id, known);
  return { ...known };
}

export function admissions(size: number, first = 0): Admission[] {
  return Array.from({ length: size }, (_, i) => admission(first + i));
}
