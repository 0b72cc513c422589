import type { Client } from "../../src/client/index.js";
import { contentIdToCid } from "../../src/records/index.js";
import { gasOf } from "./narrator.js";
import type { Story } from "./storyFile.js";

/** Every anchored record with its proof, for the story file. */
export async function collectRecords(client: Client): Promise<Story["records"]> {
  const records = await client.listRecords({ limit: 10_000 });
  return records.map(({ kind, cid, author, anchor, leaf, proof }) => ({
    kind,
    contentId: cid,
    author,
    anchorTx: anchor.transactionHash,
    leaf,
    proof: [...proof],
    root: anchor.root,
    joint: anchor.joint,
  }));
}

/** Every issued directive, the oldest first, with its votes, its outcome and the gas of all its transactions. */
export async function collectDirectives(client: Client): Promise<Story["directives"]> {
  const { chain } = client;
  const [directives, proposals, executed, queued] = await Promise.all([
    client.listDirectives({ limit: 1_000 }),
    client.listProposals({ limit: 1_000 }),
    chain.events({ names: ["ProposalExecuted"] }),
    chain.events({ names: ["ProposalQueued"] }),
  ]);
  const found: Story["directives"] = [];
  for (const directive of [...directives].reverse()) {
    const proposal = proposals.find(({ directiveId }) => directiveId === directive.id);
    if (proposal === undefined) continue;
    const ballots = await client.listBallots({ proposalId: proposal.id });
    const reports = await client.listReports({ directiveId: directive.id });
    const final = reports.filter(({ report }) => report !== "ready");
    const ofProposal = (event: { args: { proposalId: bigint } }) => event.args.proposalId.toString() === proposal.id;
    const transactions = new Set([
      proposal.transactionHash,
      ...ballots.map(({ transactionHash }) => transactionHash),
      ...[...queued, ...executed].filter(ofProposal).map(({ transactionHash }) => transactionHash),
      ...reports.map(({ transactionHash }) => transactionHash),
    ]);
    let gas = 0;
    for (const hash of transactions) gas += await gasOf(chain, hash);
    const attesting = final.filter(({ outcome }) => outcome === directive.outcome);
    found.push({
      kind: directive.kind,
      proposalId: proposal.id,
      directiveId: directive.id,
      ...proposal.votes,
      openedBy: proposal.proposer,
      evidence: proposal.evidence.map((contentId) => contentIdToCid(contentId)),
      issuedTx: directive.transactionHash,
      outcome:
        directive.outcome === null
          ? null
          : { result: directive.status.toLowerCase(), contentId: contentIdToCid(directive.outcome) },
      attestedBy: attesting.map(({ node }) => node),
      gas,
    });
  }
  return found;
}

/** Every federated round that ended, from the outcomes that the committee has attested. */
export async function collectRounds(client: Client): Promise<Story["rounds"]> {
  const rounds: Story["rounds"] = [];
  for (const directive of await client.listDirectives({ kind: "StartRound", limit: 100 })) {
    if (directive.outcome === null) continue;
    const { value: outcome } = await client.fetchRecord({ contentId: directive.outcome, kind: "Outcome" });
    const models = await Promise.all(
      outcome.produced.map((contentId) => client.fetchRecord({ contentId, kind: "Model" })),
    );
    for (const { subject, note } of outcome.detail) {
      const round = Number(/^round\/(\d+)$/.exec(subject)?.[1]);
      const model = models.find(({ value }) => value.round === round);
      rounds.push({
        round,
        participants: model?.value.contributors.map(({ node }) => node) ?? [],
        contentId: model?.cid ?? null,
        sha256: model?.value.weights.sha256 ?? null,
        testAccuracy: model?.value.evaluation?.accuracy ?? null,
        ending: note.split(":")[0] ?? note,
      });
    }
  }
  return rounds.sort((a, b) => a.round - b.round);
}
