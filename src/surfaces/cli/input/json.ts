import { InvalidInputError } from "../../../errors.js";
import { readTextFile } from "../../../utils/text/file.js";

/** The object in a JSON file. */
export async function readJsonObject(path: string): Promise<object> {
  try {
    const value: unknown = JSON.parse(await readTextFile(path));
    if (typeof value === "object" && value !== null) return value;
  } catch (cause) {
    throw new InvalidInputError(`The file ${path} cannot be read as JSON.`, { cause });
  }
  throw new InvalidInputError(`The file ${path} holds no object.`);
}
