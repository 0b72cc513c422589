import type { RecordKind } from "../records/index.js";
import { anchorBatch } from "./actions/anchorBatch.js";
import { anchorJointly } from "./actions/anchorJointly.js";
import { anchorRecords } from "./actions/anchorRecords.js";
import { attestDirective } from "./actions/attestDirective.js";
import { buildProposal } from "./actions/buildProposal.js";
import { castVote } from "./actions/castVote.js";
import { castVoteBySig } from "./actions/castVoteBySig.js";
import { castVotes } from "./actions/castVotes.js";
import { checkProposal } from "./actions/checkProposal.js";
import { type ConfirmRecordProofOptions, confirmRecordProof } from "./actions/confirmRecordProof.js";
import { decideProposal } from "./actions/decideProposal.js";
import { describeHost } from "./actions/describeHost.js";
import { enactDirective } from "./actions/enactDirective.js";
import { executeProposal } from "./actions/executeProposal.js";
import { fetchLeaves } from "./actions/fetchLeaves.js";
import { fetchPayload } from "./actions/fetchPayload.js";
import { type FetchRecordParameters, fetchRecord } from "./actions/fetchRecord.js";
import { getDirective } from "./actions/getDirective.js";
import { getModel } from "./actions/getModel.js";
import { getProposal } from "./actions/getProposal.js";
import { getSeat } from "./actions/getSeat.js";
import { listAnchors } from "./actions/listAnchors.js";
import { listBallots } from "./actions/listBallots.js";
import { listDeviations } from "./actions/listDeviations.js";
import { listDirectives } from "./actions/listDirectives.js";
import { listHosts } from "./actions/listHosts.js";
import { listIssuedDirectives } from "./actions/listIssuedDirectives.js";
import { listModels } from "./actions/listModels.js";
import { listNodes } from "./actions/listNodes.js";
import { listOpenedProposalIds } from "./actions/listOpenedProposalIds.js";
import { listPresence } from "./actions/listPresence.js";
import { listProposals } from "./actions/listProposals.js";
import { type ListRecordsParameters, listRecords } from "./actions/listRecords.js";
import { listReports } from "./actions/listReports.js";
import { markLapsed } from "./actions/markLapsed.js";
import { openProposal } from "./actions/openProposal.js";
import { prepareProposal } from "./actions/prepareProposal.js";
import { proveRecord } from "./actions/proveRecord.js";
import { queueProposal } from "./actions/queueProposal.js";
import { reportDirective } from "./actions/reportDirective.js";
import { returnToCommittee } from "./actions/returnToCommittee.js";
import { revokeAgent } from "./actions/revokeAgent.js";
import { setAgent } from "./actions/setAgent.js";
import { signBallot } from "./actions/signBallot.js";
import { signBatch } from "./actions/signBatch.js";
import { verifyBallot } from "./actions/verifyBallot.js";
import { verifyDeployment } from "./actions/verifyDeployment.js";
import { verifyRecord } from "./actions/verifyRecord.js";
import { watchDirectives } from "./actions/watchDirectives.js";
import { watchProposals } from "./actions/watchProposals.js";
import { type ClientContext, type ClientParameters, createClientContext } from "./client.js";

/** The parameters of a verb besides the client. */
type P<Verb extends (client: never, parameters: never) => unknown> = Parameters<Verb>[1];

/** Every verb, bound to one context. */
function bindActions(context: ClientContext) {
  return {
    anchorBatch: (parameters: P<typeof anchorBatch>) => anchorBatch(context, parameters),
    anchorRecords: (parameters: P<typeof anchorRecords>) => anchorRecords(context, parameters),
    anchorJointly: (parameters: P<typeof anchorJointly>) => anchorJointly(context, parameters),
    attestDirective: (parameters: P<typeof attestDirective>) => attestDirective(context, parameters),
    buildProposal: (parameters: P<typeof buildProposal>) => buildProposal(context, parameters),
    castVote: (parameters: P<typeof castVote>) => castVote(context, parameters),
    castVoteBySig: (parameters: P<typeof castVoteBySig>) => castVoteBySig(context, parameters),
    castVotes: (parameters: P<typeof castVotes>) => castVotes(context, parameters),
    checkProposal: (parameters: P<typeof checkProposal>) => checkProposal(context, parameters),
    confirmRecordProof: (proof: P<typeof confirmRecordProof>, options?: ConfirmRecordProofOptions) =>
      confirmRecordProof(context, proof, options),
    decideProposal: (parameters: P<typeof decideProposal>) => decideProposal(context, parameters),
    describeHost: (parameters: P<typeof describeHost>) => describeHost(context, parameters),
    enactDirective: (parameters: P<typeof enactDirective>) => enactDirective(context, parameters),
    executeProposal: (parameters: P<typeof executeProposal>) => executeProposal(context, parameters),
    fetchLeaves: (parameters: P<typeof fetchLeaves>) => fetchLeaves(context, parameters),
    fetchPayload: (parameters: P<typeof fetchPayload>) => fetchPayload(context, parameters),
    fetchRecord: <Kind extends RecordKind = RecordKind>(parameters: FetchRecordParameters<Kind>) =>
      fetchRecord<Kind>(context, parameters),
    getDirective: (parameters: P<typeof getDirective>) => getDirective(context, parameters),
    getModel: (parameters: P<typeof getModel>) => getModel(context, parameters),
    getProposal: (parameters: P<typeof getProposal>) => getProposal(context, parameters),
    getSeat: (parameters: P<typeof getSeat>) => getSeat(context, parameters),
    listAnchors: (parameters?: P<typeof listAnchors>) => listAnchors(context, parameters),
    listBallots: (parameters: P<typeof listBallots>) => listBallots(context, parameters),
    listDeviations: (parameters: P<typeof listDeviations>) => listDeviations(context, parameters),
    listDirectives: (parameters?: P<typeof listDirectives>) => listDirectives(context, parameters),
    listHosts: (parameters?: P<typeof listHosts>) => listHosts(context, parameters),
    listIssuedDirectives: (parameters?: P<typeof listIssuedDirectives>) => listIssuedDirectives(context, parameters),
    listModels: (parameters?: P<typeof listModels>) => listModels(context, parameters),
    listNodes: (parameters?: P<typeof listNodes>) => listNodes(context, parameters),
    listOpenedProposalIds: (parameters?: P<typeof listOpenedProposalIds>) => listOpenedProposalIds(context, parameters),
    listPresence: (parameters?: P<typeof listPresence>) => listPresence(context, parameters),
    listProposals: (parameters?: P<typeof listProposals>) => listProposals(context, parameters),
    listRecords: <Kind extends RecordKind = RecordKind>(parameters?: ListRecordsParameters<Kind>) =>
      listRecords<Kind>(context, parameters),
    listReports: (parameters: P<typeof listReports>) => listReports(context, parameters),
    markLapsed: (parameters: P<typeof markLapsed>) => markLapsed(context, parameters),
    openProposal: (parameters: P<typeof openProposal>) => openProposal(context, parameters),
    prepareProposal: (parameters: P<typeof prepareProposal>) => prepareProposal(context, parameters),
    proveRecord: (parameters: P<typeof proveRecord>) => proveRecord(context, parameters),
    queueProposal: (parameters: P<typeof queueProposal>) => queueProposal(context, parameters),
    reportDirective: (parameters: P<typeof reportDirective>) => reportDirective(context, parameters),
    returnToCommittee: (parameters?: P<typeof returnToCommittee>) => returnToCommittee(context, parameters),
    revokeAgent: (parameters?: P<typeof revokeAgent>) => revokeAgent(context, parameters),
    setAgent: (parameters: P<typeof setAgent>) => setAgent(context, parameters),
    signBallot: (parameters: P<typeof signBallot>) => signBallot(context, parameters),
    signBatch: (parameters: P<typeof signBatch>) => signBatch(context, parameters),
    verifyBallot: (parameters: P<typeof verifyBallot>) => verifyBallot(context, parameters),
    verifyDeployment: () => verifyDeployment(context),
    verifyRecord: (parameters: P<typeof verifyRecord>) => verifyRecord(context, parameters),
    watchDirectives: (parameters?: P<typeof watchDirectives>) => watchDirectives(context, parameters),
    watchProposals: (parameters?: P<typeof watchProposals>) => watchProposals(context, parameters),
  };
}

type ClientActions = ReturnType<typeof bindActions>;
type ClientBase = Pick<ClientContext, "account" | "chain" | "content">;

/** The chain, the content, every verb bound to them, and the extensions. */
export type Client<Extension extends object = object> = ClientBase &
  ClientActions &
  Extension & {
    /**
     * Returns the same client with more members, such as verbs of your own.
     *
     * @param decorator Gets the client and returns the members to add. They cannot have the names of the client's own verbs.
     */
    readonly extend: <More extends object & { readonly [Name in keyof (ClientBase & ClientActions)]?: never }>(
      decorator: (client: Client<Extension>) => More,
    ) => Client<Extension & More>;
  };

/**
 * Creates a client: every verb bound to a chain and a content store. The verbs are also exported as functions of a
 * {@link createClientContext}, for programs that want only some.
 *
 * @example
 * const chain = await createChain({ rpcUrl: "http://127.0.0.1:8545", ...deployment });
 * const client = createClient({ chain, content: createGatewayContent({ urls }) });
 * for (const { kind, cid } of await client.listRecords({ limit: 5 })) console.log(kind, cid);
 *
 * @example
 * const watcher = client.extend(({ listProposals }) => ({
 *   listActive: () => listProposals({ states: ["Active"] }),
 * }));
 * for (const { id } of await watcher.listActive()) console.log(id);
 */
export function createClient(parameters: ClientParameters): Client {
  const context = createClientContext(parameters);
  const { account, chain, content } = context;
  return extendable({ account, chain, content, ...bindActions(context) });
}

/** A later extension replaces an earlier one's verb of the same name; neither replaces a verb of the client itself. */
function extendable<Extension extends object>(
  base: ClientBase & ClientActions,
  extension = {} as Extension,
): Client<Extension> {
  const client = {
    ...extension,
    ...base,
    extend: (decorator: (client: Client<Extension>) => object) =>
      extendable(base, { ...extension, ...decorator(client) }),
  } as Client<Extension>;
  return client;
}
