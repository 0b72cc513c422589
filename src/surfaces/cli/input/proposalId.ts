import { InvalidInputError } from "../../../errors.js";

/** The argument that names a proposal. */
export const proposalIdArg = {
  id: { type: "positional", description: "the proposal's id", required: true },
} as const;

/** Throws {@link InvalidInputError} where the text is no proposal's id. */
export function parseProposalId(text: string): string {
  if (!/^\d{1,78}$/.test(text)) throw new InvalidInputError(`A proposal's id is a decimal number, not "${text}".`);
  return text;
}
