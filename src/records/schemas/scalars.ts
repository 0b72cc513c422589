import { z } from "zod";
import { isCid, isContentId } from "../contentId.js";
import { checksumAddress } from "../encoding/address.js";
import type { Address, ContentId, Hex } from "../types.js";
import { MAX_LABEL_LENGTH, MAX_NAME_BYTES, MAX_TEXT_LENGTH, MAX_UINT32 } from "./bounds.js";

/** The scalar schemas of records. Zod checks shape and bounds; `assertPlain` refuses beforehand what dag-cbor would change. */

export const contentId = z.custom<ContentId>(isContentId, "must be 0x and 64 lower-case hexadecimal digits");
export const hash: z.ZodType<Hex> = contentId;
/** An ECDSA signature with its recovery number. */
export const signature = z.custom<Hex>(
  (value) => typeof value === "string" && /^0x[0-9a-f]{130}$/.test(value),
  "must be 65 bytes in lower-case hexadecimal digits",
);

/** Accepts any case without a checksum, or a correct checksum; yields the address with its checksum. */
export const address = z
  .custom<Address>(
    (value) => typeof value === "string" && checksumAddress(value) !== undefined,
    "must be an address: 0x and 40 hexadecimal digits, with a correct checksum if the case is mixed",
  )
  .transform((value): Address => checksumAddress(value) ?? value);

export const cid = z.custom<string>(
  (value) => typeof value === "string" && isCid(value),
  "must be the base32 text of a CIDv1 of sha2-256",
);

/** One line of printable text. */
export const label = z
  .string()
  .min(1)
  .max(MAX_LABEL_LENGTH)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
  .regex(/^[^\u0000-\u001f\u007f]+$/, "must not hold control characters");

/** A name that goes on chain as a short string in a bytes32. */
export const name = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, "must be letters, digits, dot, dash and underscore")
  .max(MAX_NAME_BYTES);

/** An argument of a program, or a value in its environment. */
export const argument = z
  .string()
  .max(1_024)
  .refine((value) => !value.includes("\0"), "must not hold a NUL");

export const text = z.string().max(MAX_TEXT_LENGTH);
export const count = z.int().min(0);
export const positive = z.int().min(1);
export const uint32 = z.int().min(0).max(MAX_UINT32);
/** A share of one. */
export const share = z.number().min(0).max(1);

/** Whether all the keys of the items differ. */
export function distinct<T>(items: readonly T[], key: (item: T) => unknown = (item) => item): boolean {
  return new Set(items.map(key)).size === items.length;
}
