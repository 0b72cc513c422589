import type { Pin } from "../../maintenance.js";
import { BlockKeys, pinKey } from "../blockKeys.js";
import type { BlockWriter } from "../blockWriter.js";
import type { BlockDatabase } from "../engine/blockDatabase.js";
import type { AgeTableDependencies } from "./ageTable.js";

export interface PinTableDependencies extends Pick<AgeTableDependencies, "alone"> {
  readonly db: BlockDatabase;
  readonly writer: BlockWriter;
}

/** The pins of a store, by their names. */
export class PinTable {
  readonly #db: BlockDatabase;
  readonly #writer: BlockWriter;
  readonly #alone: PinTableDependencies["alone"];

  constructor({ db, writer, alone }: PinTableDependencies) {
    this.#db = db;
    this.#writer = writer;
    this.#alone = alone;
  }

  async set(pin: Pin): Promise<void> {
    await this.#writer.write({ pin });
  }

  async drop(name: string): Promise<boolean> {
    return this.#alone(async () => {
      if (!(await this.#db.has(pinKey(name)))) return false;
      await this.#db.batch([{ type: "del", key: pinKey(name) }]);
      return true;
    });
  }

  async get(name: string): Promise<Pin | undefined> {
    const value = await this.#db.get(pinKey(name));
    return value === undefined ? undefined : parsePin(value);
  }

  async *list(): AsyncGenerator<Pin> {
    for await (const [, value] of this.#db.entries(BlockKeys.pins)) yield parsePin(value);
  }
}

function parsePin(value: Uint8Array): Pin {
  return JSON.parse(new TextDecoder().decode(value)) as Pin;
}
