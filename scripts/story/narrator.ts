import { indicesOf } from "../../src/ports/chain/bitset.js";
import { type Chain, type ChainEvent, decodeName } from "../../src/ports/chain/index.js";
import { contentIdToCid, DirectiveKinds } from "../../src/records/index.js";
import type { Clock } from "../../src/utils/clock.js";
import { shortened } from "../../src/utils/text/decode.js";
import { printableLine } from "../../src/utils/text/printable.js";

const supports = ["Against", "For", "Abstain"];
const reports = ["", "ready", "done", "failed"];
/** Lists of more nodes than this are printed as a number. */
const MAX_NAMES = 8;
/** UTF-16 units of a line. */
const MAX_LINE = 2_000;

/** Prints the story. */
export interface Screen {
  /** A new act. */
  act(title: string): void;
  line(text: string): void;
}

/** The names that sentences use for accounts, proposals and nodes. */
interface NarrationNames {
  nameOf(account: string): string;
  /** The title of each proposal, by its id. */
  readonly titles: Map<string, string>;
  /** The agent of each node, by the node's index. */
  readonly agents: Map<number, string>;
}

/** Writes to a terminal or a file: each line begins with the seconds since the start. */
export function createScreen(write: (text: string) => void, clock: Pick<Clock, "monotonic">): Screen {
  const started = clock.monotonic();
  const stamp = () => `${((clock.monotonic() - started) / 1000).toFixed(1).padStart(6)}s`;
  return {
    act: (title) => write(`\n${stamp()}  ${title}\n`),
    // Sentences quote titles and reasons, which members wrote.
    line: (text) => write(`${stamp()}    ${shortened(printableLine(text), MAX_LINE)}\n`),
  };
}

/** Tells every event of the contracts as it happens, with its transaction and gas, until `signal` aborts. */
export async function narrate(
  chain: Chain,
  names: Map<string, string>,
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  const told: NarrationNames = {
    nameOf: (account) => names.get(account.toLowerCase()) ?? short(account),
    titles: new Map(),
    agents: new Map(),
  };
  let last = "";
  for await (const event of chain.watch({ signal })) {
    const text = sentence(event, told);
    if (text === undefined) continue;
    if (event.transactionHash === last) {
      screen.line(`${text}  [in the same transaction]`);
      continue;
    }
    last = event.transactionHash;
    const gas = await gasOf(chain, last);
    screen.line(`${text}  [tx ${short(last)}, ${gas.toLocaleString("en")} gas]`);
  }
}

function sentence(event: ChainEvent, told: NarrationNames): string | undefined {
  const { nameOf, titles, agents } = told;
  switch (event.name) {
    case "NodeAdmitted":
      agents.set(Number(event.args.index), event.args.agent);
      return `${nameOf(event.args.agent)} is admitted as node ${event.args.index}`;
    case "AgentSet":
      agents.set(Number(event.args.newIndex), event.args.agent);
      return `${nameOf(event.args.agent)} is the new agent of a seat, as node ${event.args.newIndex}`;
    case "Anchored":
      return `${nameOf(event.args.author)} anchors ${counted(Number(event.args.count), "record")}, manifest ${cidOf(event.args.manifest)}`;
    case "JointlyAnchored":
      return `${listOf(indicesOf(event.args.authors), told)} anchor together, manifest ${cidOf(event.args.manifest)}`;
    case "ProposalCreated": {
      const title = event.args.description.split("\n")[0] ?? "";
      titles.set(String(event.args.proposalId), title);
      return `${nameOf(event.args.proposer)} opens the proposal "${title}"`;
    }
    case "VoteCast":
      return `${nameOf(event.args.voter)} votes ${supports[Number(event.args.support)]} on "${titles.get(String(event.args.proposalId))}"${event.args.reason && `: ${event.args.reason}`}`;
    case "BallotsCounted": {
      const { forBits, againstBits, abstainBits, proposalId } = event.args;
      const bits = [againstBits, forBits, abstainBits].map(indicesOf);
      const parts = [1, 0, 2]
        .filter((support) => bits[support]?.length)
        .map((support) => `${supports[support]} ${listOf(bits[support] ?? [], told)}`);
      const title = titles.get(String(proposalId));
      return `${counted(bits.flat().length, "ballot")} counted together on "${title}": ${parts.join("; ")}`;
    }
    case "ProposalQueued":
      return `"${titles.get(String(event.args.proposalId))}" has passed and waits in the timelock`;
    case "DirectiveIssued":
      return `the timelock issues ${DirectiveKinds[Number(event.args.kind)]}, directive ${short(event.args.directiveId)}`;
    case "DirectiveReported":
      return `${nameOf(event.args.node)} reports "${reports[Number(event.args.report)]}" on directive ${short(event.args.directiveId)}`;
    case "ReportsCounted": {
      const { report, directiveId, bits } = event.args;
      const nodes = indicesOf(bits);
      const said = `${counted(nodes.length, "report")} "${reports[Number(report)]}" together`;
      return `${said} on directive ${short(directiveId)}: ${listOf(nodes, told)}`;
    }
    case "DirectiveEnacted":
      return `directive ${short(event.args.directiveId)} is ${reports[Number(event.args.report)]}, attested by ${counted(Number(event.args.attestations), "node")}: outcome ${cidOf(event.args.outcome)}`;
    case "ModelAccepted":
      return `model ${cidOf(event.args.model)} is accepted as version ${event.args.version}`;
    case "FlagSet":
      return `the flag ${decodeName(event.args.name)} is ${event.args.newValue ? "set" : "cleared"}`;
    default:
      return undefined;
  }
}

/** The names of the nodes, or their number if there are many. */
function listOf(indices: readonly number[], { nameOf, agents }: NarrationNames): string {
  if (indices.length > MAX_NAMES) return `${indices.length} nodes`;
  return indices.map((index) => nameOf(agents.get(index) ?? `node ${index}`)).join(", ");
}

/** The gas that a transaction used. */
export async function gasOf(chain: Chain, hash: string): Promise<number> {
  const receipt = (await chain.provider.send("eth_getTransactionReceipt", [hash])) as { gasUsed: string } | null;
  return receipt === null ? 0 : Number(receipt.gasUsed);
}

function counted(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}

export function short(hex: string): string {
  return `${hex.slice(0, 10)}…`;
}

function cidOf(contentId: string): string {
  return contentIdToCid(contentId as `0x${string}`);
}
