import { getAddress, HDNodeWallet, id, Mnemonic, SigningKey, Wallet } from "ethers";
import { type AgentConsent, hashAgentConsent } from "../../../src/ports/chain/index.js";
import type { Address } from "../../../src/records/index.js";

/** Hardhat's chain in the process. */
export const CHAIN_ID = 31_337;

/** The keys of accounts that sign consents, by address. */
const keys = new Map<string, SigningKey>();
/** The accounts of Hardhat's network. */
const phrase = Mnemonic.fromPhrase("test test test test test test test test test test test junk");
for (let i = 0; i < 20; i++) addKey(HDNodeWallet.fromMnemonic(phrase, `m/44'/60'/0'/0/${i}`).signingKey);

function addKey(key: SigningKey): string {
  const { address } = new Wallet(key);
  keys.set(address, key);
  return address;
}

/** An account whose key is derived from its name. */
export function accountOf(name: string | number): string {
  return addKey(new SigningKey(id(`operator ${name}`)));
}

/** Lets a key sign, such as one that a test made itself. */
export function signsWith({ privateKey }: { readonly privateKey: string }): string {
  return addKey(new SigningKey(privateKey));
}

/** Lets the key of `owner` sign for a contract's account, as its code accepts by ERC-1271. */
export function signsFor(contract: string, owner: string): void {
  const key = keys.get(owner);
  if (!key) throw new Error(`no test has the key of ${owner}`);
  keys.set(contract, key);
}

let newest: Address = "0x";

/** From now on admissions are for this registry, unless they name another. */
export function consentTo(registry: string): void {
  newest = getAddress(registry) as Address;
}

export const newestRegistry = (): Address => newest;

/** The operator's signature under a consent; one that is not its own if the operator is not a key. */
export function consentOf(registry: Address, consent: AgentConsent): string {
  const digest = hashAgentConsent({ chainId: CHAIN_ID, registry }, consent);
  const key = keys.get(consent.operator) ?? new SigningKey(id("nobody"));
  return key.sign(digest).serialized;
}
