import { readdir, readFile } from "node:fs/promises";
import { writeDurably } from "../../../../utils/durable.js";
import { FleetError } from "../../errors.js";

/** The names in a folder; none if there is no such folder. */
export async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Undefined if there is no such file. @throws {FleetError} `damaged` if the file holds anything else than an object with fields of these types. */
export async function readJson<T extends object>(
  path: string,
  fields: Partial<Record<keyof T & string, "number" | "object" | "string">>,
): Promise<T | undefined> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    // ENOTDIR: something else lies where the replica's folder was.
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    // A folder in its place.
    if (error.code === "EISDIR") return "";
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as T;
    for (const [field, type] of Object.entries(fields)) {
      const found = value[field as keyof T];
      if (typeof found !== type || found === null) throw new SyntaxError(`Its field ${field} is no ${type}.`);
    }
    return value;
  } catch (cause) {
    throw new FleetError("damaged", `The file ${path} is damaged.`, {
      cause,
      hints: [
        "It was changed by something else: restore it, or stop the workload's replicas and create the workload anew.",
      ],
    });
  }
}

/** What is read, or something else in place of a file that is damaged. */
export async function unlessDamaged<T>(read: Promise<T>, otherwise: () => T | Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof FleetError && error.kind === "damaged") return otherwise();
    throw error;
  }
}

/** Writes the file in one step: it is the old one or the new one at any moment. */
export function writeJson(path: string, value: object): Promise<void> {
  return writeDurably(path, `${JSON.stringify(value, null, 2)}\n`);
}
