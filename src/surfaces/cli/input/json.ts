import { readFile } from "node:fs/promises";
import { InvalidInputError } from "../../../errors.js";

/** The object in a JSON file. */
export async function readJsonObject(path: string): Promise<object> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof value === "object" && value !== null) return value;
  } catch (cause) {
    throw new InvalidInputError(`The file ${path} cannot be read as JSON.`, { cause });
  }
  throw new InvalidInputError(`The file ${path} holds no object.`);
}
