import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InvalidInputError } from "../../errors.js";
import { type Support, Supports } from "../../records/index.js";
import { writeDurably } from "../../utils/durable.js";

/** What a person may tell the agent to do about a proposal, before the agent has signed. */
export const InstructionChoices = [...Supports, "nothing"] as const;
export type InstructionChoice = Support | "nothing";

/**
 * The instructions of this node's operator: one file a proposal, in the node's folder. The command line writes them, and the
 * voter reads them before it signs. What is signed stands.
 */
export class Instructions {
  readonly #dir: string;

  constructor(dataDir: string) {
    this.#dir = join(dataDir, "instructions");
  }

  /** Undefined without one. @throws {@link InvalidInputError} if the file holds anything else than a choice. */
  async read(proposalId: string): Promise<InstructionChoice | undefined> {
    const path = this.#pathOf(proposalId);
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    return parseChoice(text.trim());
  }

  /** Resolves when the instruction is durable. It replaces an earlier one. */
  async write(proposalId: string, choice: InstructionChoice): Promise<void> {
    const path = this.#pathOf(proposalId);
    await writeDurably(path, `${choice}\n`);
  }

  #pathOf(proposalId: string): string {
    if (!/^\d{1,78}$/.test(proposalId)) throw new InvalidInputError(`"${proposalId}" is no proposal id.`);
    return join(this.#dir, proposalId);
  }
}

/** @throws {@link InvalidInputError} */
export function parseChoice(text: string): InstructionChoice {
  const choice = InstructionChoices.find((each) => each === text);
  if (choice === undefined) {
    throw new InvalidInputError(`An instruction is one of ${InstructionChoices.join(", ")}, not "${text}".`);
  }
  return choice;
}
