import { ConfigError } from "../../../errors.js";
import { readAccountKey, readPasswordFile } from "../../../ports/keys/index.js";

/** The password: from WITAN_PASSWORD, or from a file that holds nothing else. */
export async function readPassword(passwordFile: string | undefined): Promise<string> {
  const fromEnvironment = process.env.WITAN_PASSWORD;
  if (fromEnvironment !== undefined) return fromEnvironment;
  if (passwordFile === undefined) {
    throw new ConfigError("There is no password for the key file.", {
      hints: ["Set WITAN_PASSWORD or name a file with --password-file."],
    });
  }
  return readPasswordFile(passwordFile);
}

/** The signer whose key file the options name. Throws {@link ConfigError} if they name none. */
export async function readSigner(options: { key?: string | undefined; "password-file"?: string | undefined }) {
  if (options.key === undefined) {
    throw new ConfigError("This command sends a transaction and needs a key.", {
      hints: ["Name its file with --key."],
    });
  }
  return readAccountKey(options.key, await readPassword(options["password-file"]));
}
