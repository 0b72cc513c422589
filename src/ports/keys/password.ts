import { open } from "node:fs/promises";
import { ConfigError } from "../../errors.js";
import { decodeFile } from "../../utils/text/file.js";
import { KeyError } from "./errors.js";

/** Far above any password; a device without an end is not read on. */
const MAX_PASSWORD_FILE_BYTES = 64 * 1024;

/** Which of the permission bits let users read or write who are neither the owner nor of the group, as of a mounted secret. */
const OTHERS = 0o007;

const BYTE_ORDER_MARK = "\ufeff";

/**
 * Reads a password from a file that holds nothing else, without the line end. A byte-order mark before it stays: see
 * {@link passwordForms}.
 *
 * @throws {@link KeyError} `unsafe-permissions` if every user of the machine may read or write it; {@link ConfigError}.
 */
export async function readPasswordFile(path: string): Promise<string> {
  const decoded = decodeFile(await readBytes(path));
  if (decoded === undefined) {
    throw new ConfigError(`The password file ${path} is not text in UTF-8.`, { hints: ["Save it in that encoding."] });
  }
  return `${decoded.hasMark ? BYTE_ORDER_MARK : ""}${decoded.text.replace(/\r?\n$/, "")}`;
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, "r");
    try {
      const stats = await file.stat();
      // Windows has no permission bits, and a pipe is not in a folder for others.
      if (process.platform !== "win32" && stats.isFile() && (stats.mode & OTHERS) !== 0) throw unsafe(path, stats.mode);
      const bytes = new Uint8Array(MAX_PASSWORD_FILE_BYTES + 1);
      let length = 0;
      for (let read = 1; read > 0 && length < bytes.length; length += read) {
        ({ bytesRead: read } = await file.read(bytes, length, bytes.length - length, null));
      }
      if (length <= MAX_PASSWORD_FILE_BYTES) return bytes.subarray(0, length);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof KeyError) throw cause;
    throw new ConfigError(`The password file ${path} cannot be read.`, { cause });
  }
  throw new ConfigError(`The password file ${path} is over ${MAX_PASSWORD_FILE_BYTES} bytes.`);
}

function unsafe(path: string, mode: number): KeyError {
  return new KeyError(
    "unsafe-permissions",
    `Every user of this machine can read or change the password file ${path}.`,
    {
      details: `Its mode is ${(mode & 0o777).toString(8)}.`,
      hints: [`Run: chmod 600 ${path}`],
    },
  );
}

/**
 * The passwords that a person who gave this one may have meant, the likeliest first; new key files are made with the first. Tools
 * differ in whether a byte-order mark before it counts: geth takes it as a part of the password, editors do not show it.
 */
export function passwordForms(password: string): readonly [string, ...string[]] {
  if (!password.startsWith(BYTE_ORDER_MARK)) return [password];
  return [password.slice(BYTE_ORDER_MARK.length), password];
}

/**
 * The bytes that tools derive the key of an Ethereum keystore from. Version 3 does not say how a password becomes bytes: geth takes
 * those that it was given, whether letters with accents are composed or not (macOS decomposes them), ethers those of NFKC.
 */
export function accountPasswords(password: string): Uint8Array[] {
  const forms = passwordForms(password).flatMap((text) => [
    text.normalize("NFKC"),
    text,
    text.normalize("NFC"),
    text.normalize("NFD"),
  ]);
  return [...new Set(forms)].map((text) => new TextEncoder().encode(text));
}

/**
 * The passwords to open an EIP-2335 keystore with. go-eth2-wallet-encryptor-keystorev4 before 1.4.1, and what is built on it, such
 * as ethdo and SSV nodes, lost every mark that NFKD separates from its letter: "ñ" was "n".
 * (https://github.com/wealdtech/go-eth2-wallet-encryptor-keystorev4/issues/2)
 */
export function blsPasswords(password: string): string[] {
  const forms = passwordForms(password).map((text) => text.normalize("NFKD"));
  return [...new Set(forms.flatMap((text) => [text, withoutMarks(text)]))];
}

/**
 * Letters that are no marks, but are joined to the one before: Hangul vowels and finals, and 24 of other scripts (those with the
 * Unicode property NFC_Quick_Check=Maybe and combining class 0).
 */
const JOINED =
  /[\u1161-\u1175\u11A8-\u11C2\u09BE\u09D7\u0B3E\u0B56\u0B57\u0BBE\u0BD7\u0CC2\u0CD5\u0CD6\u0D3E\u0D57\u0DCF\u0DDF\u102E\u1B35\u{11127}\u{1133E}\u{11357}\u{114B0}\u{114BA}\u{114BD}\u{115AF}\u{11930}]/u;

/** The first character of each segment of an NFKD text. */
function withoutMarks(nfkd: string): string {
  return [...nfkd].filter((character, i) => i === 0 || !(JOINED.test(character) || isMark(character))).join("");
}

/** Whether the combining class of a character is not 0: normalisation moves it past a mark of another class. */
function isMark(character: string): boolean {
  return [`\u0301${character}`, `${character}\u0334`].some((pair) => pair.normalize("NFD") !== pair);
}
