import { InvalidInputError } from "../../../errors.js";

/** The positional argument for a proposal's id. */
export const proposalIdArg = {
  id: { type: "positional", description: "the proposal's id", required: true },
} as const;

/** Throws {@link InvalidInputError} if the text is not a proposal's id. */
export function parseProposalId(text: string): string {
  if (!/^\d{1,78}$/.test(text)) throw new InvalidInputError(`A proposal's id is a decimal number, not "${text}".`);
  return text;
}
