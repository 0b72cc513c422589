import { randomBytes } from "node:crypto";
import { decrypt, type IKeystore, isValidKeystore, create as seal } from "@chainsafe/bls-keystore";
import { bls12_381 } from "@noble/curves/bls12-381.js";
import type { EncryptOptions } from "./accountKeyFile.js";
import { scalarOf } from "./bls/secretKey.js";
import { KeyError } from "./errors.js";
import { readKeyFile, type WriteKeyFileOptions, writeKeyFile } from "./keyFile.js";
import { blsPasswords, passwordForms } from "./password.js";
import { DEFAULT_SCRYPT_N, MAX_SCRYPT_N } from "./scrypt.js";

/** The most rounds of PBKDF2, EIP-2335's other key derivation: ten times as many as wallets use. */
const MAX_PBKDF2_ROUNDS = 2_621_440;

/** The text of an EIP-2335 keystore that holds the BLS key under `password`. */
export async function encryptBlsKey(
  secret: Uint8Array,
  password: string,
  options: EncryptOptions = {},
): Promise<string> {
  const publicKey = bls12_381.G1.Point.BASE.multiply(scalarOf(secret)).toBytes(true);
  const keystore = await seal(
    passwordForms(password)[0],
    secret,
    publicKey,
    "",
    "a node's key for aggregated ballots",
    {
      function: "scrypt",
      params: { dklen: 32, n: options.scryptN ?? DEFAULT_SCRYPT_N, r: 8, p: 1, salt: randomBytes(32).toString("hex") },
    },
  );
  return JSON.stringify(keystore, null, 2);
}

/**
 * Encrypts a BLS key and writes it to `path`, readable by the file's owner alone.
 *
 * @throws {@link KeyError} `key-file-exists` unless `overwrite` is set; `invalid-key`.
 */
export async function writeBlsKey(
  path: string,
  secret: Uint8Array,
  password: string,
  options: EncryptOptions & WriteKeyFileOptions = {},
): Promise<void> {
  await writeKeyFile(path, await encryptBlsKey(secret, password, options), options);
}

/**
 * Opens the BLS secret key in an EIP-2335 keystore file: 32 bytes big-endian.
 *
 * @throws {@link KeyError} `wrong-password`, `missing-key-file`, `malformed-key-file` or `unsafe-permissions`.
 */
export async function readBlsKey(path: string, password: string): Promise<Uint8Array> {
  const keystore = parseKeystore(await readKeyFile(path));
  if (keystore === undefined) throw new KeyError("malformed-key-file", `${path} is not an EIP-2335 keystore.`);
  for (const form of blsPasswords(password)) {
    try {
      const secret = Uint8Array.from(await decrypt(keystore, form));
      scalarOf(secret);
      return secret;
    } catch (error) {
      if (error instanceof Error && error.message === "Invalid password") continue;
      // The cause is left out: it may quote the file's content.
      throw new KeyError("malformed-key-file", `${path} is damaged or is not an EIP-2335 keystore.`);
    }
  }
  throw new KeyError("wrong-password", `The password does not open ${path}.`);
}

function parseKeystore(text: string): IKeystore | undefined {
  try {
    const given: unknown = JSON.parse(text);
    // ethdo leaves out the path of a key that no seed derives. The standard wants an empty one.
    const value: unknown = typeof given === "object" ? { path: "", ...given } : given;
    return isValidKeystore(value) && isAffordable(value) ? value : undefined;
  } catch (error) {
    // Not JSON: the caller throws an error that names the file.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isAffordable({ crypto: { kdf } }: IKeystore): boolean {
  return kdf.function === "scrypt" ? kdf.params.n <= MAX_SCRYPT_N : kdf.params.c <= MAX_PBKDF2_ROUNDS;
}
