import { z } from "zod";
import { type Address, checksumAddress } from "../records/index.js";

/** An address in a configuration: in one case, or with its checksum, which it gets. */
export const addressSchema = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "an address of 20 bytes in hex")
  .transform((text, context): Address => {
    const checked = checksumAddress(text);
    if (checked === undefined) context.addIssue("an address whose capitals are not its checksum");
    return checked ?? z.NEVER;
  });
