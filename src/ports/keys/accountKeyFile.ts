import { randomBytes } from "node:crypto";
import { decryptKeystoreJson, encryptKeystoreJson, hexlify, isError, isKeystoreJson, Wallet } from "ethers";
import type { Hex } from "../../records/index.js";
import { KeyError } from "./errors.js";
import { readKeyFile, type WriteKeyFileOptions, writeKeyFile } from "./keyFile.js";
import { accountPasswords, passwordForms } from "./password.js";
import { DEFAULT_SCRYPT_N, MAX_SCRYPT_N, useNativeScrypt } from "./scrypt.js";

export interface EncryptOptions {
  /** The cost of opening the file, a power of two; lower it in tests only. */
  readonly scryptN?: number | undefined;
}

/** A new account key, an operator's or an agent's, from the system's randomness. */
export function createAccountKey(): Wallet {
  return new Wallet(hexlify(randomBytes(32)));
}

/** The account key with this secret of 32 bytes. */
export function accountOf(secret: Hex): Wallet {
  return new Wallet(secret);
}

/** The text of an Ethereum keystore (version 3) that holds the key under `password`. */
export async function encryptAccountKey(
  wallet: Pick<Wallet, "address" | "privateKey">,
  password: string,
  options: EncryptOptions = {},
): Promise<string> {
  useNativeScrypt();
  const { address, privateKey } = wallet;
  const scrypt = { N: options.scryptN ?? DEFAULT_SCRYPT_N, r: 8, p: 1 };
  return encryptKeystoreJson({ address, privateKey }, passwordForms(password)[0], { scrypt });
}

/**
 * Encrypts an account key and writes it to `path`, readable by the file's owner alone.
 *
 * @throws {@link KeyError} `key-file-exists` unless `overwrite` is set.
 */
export async function writeAccountKey(
  path: string,
  wallet: Pick<Wallet, "address" | "privateKey">,
  password: string,
  options: EncryptOptions & WriteKeyFileOptions = {},
): Promise<void> {
  await writeKeyFile(path, await encryptAccountKey(wallet, password, options), options);
}

/**
 * Opens the account key in an Ethereum keystore file (version 3).
 *
 * @throws {@link KeyError} `wrong-password`, `missing-key-file`, `malformed-key-file` or `unsafe-permissions`.
 */
export async function readAccountKey(path: string, password: string): Promise<Wallet> {
  const text = await readKeyFile(path);
  if (!isKeystoreJson(text) || !isAffordable(text)) {
    throw new KeyError("malformed-key-file", `${path} is not an Ethereum keystore (version 3).`);
  }
  useNativeScrypt();
  for (const bytes of accountPasswords(password)) {
    try {
      const { privateKey } = await decryptKeystoreJson(text, bytes);
      return new Wallet(privateKey);
    } catch (error) {
      if (isError(error, "INVALID_ARGUMENT") && /incorrect password/.test(error.shortMessage)) continue;
      // The cause is left out: it may quote the file's content.
      throw new KeyError("malformed-key-file", `${path} is damaged or is not an Ethereum keystore (version 3).`);
    }
  }
  throw new KeyError("wrong-password", `The password does not open ${path}.`);
}

interface KeystoreCrypto {
  kdfparams?: { n?: unknown };
}

/** Whether opening the file needs at most {@link MAX_SCRYPT_N}. ethers accepts either spelling of `crypto`. */
function isAffordable(text: string): boolean {
  const file = JSON.parse(text) as { crypto?: KeystoreCrypto; Crypto?: KeystoreCrypto };
  const { n = 1 } = (file.crypto ?? file.Crypto)?.kdfparams ?? {};
  return typeof n === "number" && n <= MAX_SCRYPT_N;
}
