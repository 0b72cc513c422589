const WIDTH = 40;

/** How a vote stands, as a line: For, Against and Abstain, then who is missing. */
export function turnoutBar(
  votes: { readonly for: number; readonly against: number; readonly abstain: number },
  of: number,
): string {
  const part = (count: number, mark: string) => mark.repeat(Math.round((count / Math.max(1, of)) * WIDTH));
  const bar = `${part(votes.for, "█")}${part(votes.against, "▒")}${part(votes.abstain, "·")}`;
  const share = Math.round(((votes.for + votes.against + votes.abstain) / Math.max(1, of)) * 100);
  const words = `${votes.for} for, ${votes.against} against, ${votes.abstain} abstain, of ${of} (${share} %)`;
  return `[${bar.slice(0, WIDTH).padEnd(WIDTH)}] ${words}`;
}
