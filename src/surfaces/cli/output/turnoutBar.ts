const WIDTH = 40;

/** A vote as one line: a bar of For, Against, Abstain and missing ballots, then their numbers. */
export function turnoutBar(
  votes: { readonly for: number; readonly against: number; readonly abstain: number },
  committeeSize: number,
): string {
  const part = (count: number, mark: string) => mark.repeat(Math.round((count / Math.max(1, committeeSize)) * WIDTH));
  const bar = `${part(votes.for, "█")}${part(votes.against, "▒")}${part(votes.abstain, "·")}`;
  const share = Math.round(((votes.for + votes.against + votes.abstain) / Math.max(1, committeeSize)) * 100);
  const summary = `${votes.for} for, ${votes.against} against, ${votes.abstain} abstain, of ${committeeSize} (${share} %)`;
  return `[${bar.slice(0, WIDTH).padEnd(WIDTH)}] ${summary}`;
}
