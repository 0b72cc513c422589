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
import { confirmRecordProof } from "./actions/confirmRecordProof.js";
import { decideProposal } from "./actions/decideProposal.js";
import { executeProposal } from "./actions/executeProposal.js";
import { fetchPayload } from "./actions/fetchPayload.js";
import { type FetchRecordParameters, fetchRecord } from "./actions/fetchRecord.js";
import { getDirective } from "./actions/getDirective.js";
import { getModel } from "./actions/getModel.js";
import { getProposal } from "./actions/getProposal.js";
import { listBallots } from "./actions/listBallots.js";
import { listDirectives } from "./actions/listDirectives.js";
import { listModels } from "./actions/listModels.js";
import { listNodes } from "./actions/listNodes.js";
import { listProposals } from "./actions/listProposals.js";
import { type ListRecordsParameters, listRecords } from "./actions/listRecords.js";
import { listReports } from "./actions/listReports.js";
import { openProposal } from "./actions/openProposal.js";
import { proveRecord } from "./actions/proveRecord.js";
import { queueProposal } from "./actions/queueProposal.js";
import { reportDirective } from "./actions/reportDirective.js";
import { signBallot } from "./actions/signBallot.js";
import { signBatch } from "./actions/signBatch.js";
import { verifyBallot } from "./actions/verifyBallot.js";
import { verifyRecord } from "./actions/verifyRecord.js";
import { watchDirectives } from "./actions/watchDirectives.js";
import { watchProposals } from "./actions/watchProposals.js";
import { type ClientParameters, createContext } from "./client.js";

/** What a verb takes besides the client. */
type P<Verb extends (client: never, parameters: never) => unknown> = Parameters<Verb>[1];

/**
 * A client: the chain, the content and every verb bound to them. The verbs are also exported as functions of a client,
 * for programs that want only some.
 *
 * @example
 * const chain = await createChain({ rpcUrl: "http://127.0.0.1:8545", ...deployment });
 * const client = createClient({ chain, content: createGatewayContent({ urls }) });
 * for (const { kind, cid } of await client.listRecords({ limit: 5 })) console.log(kind, cid);
 */
export function createClient(parameters: ClientParameters) {
  const context = createContext(parameters);
  return {
    ...context,
    anchorBatch: (parameters: P<typeof anchorBatch>) => anchorBatch(context, parameters),
    anchorRecords: (parameters: P<typeof anchorRecords>) => anchorRecords(context, parameters),
    anchorJointly: (parameters: P<typeof anchorJointly>) => anchorJointly(context, parameters),
    attestDirective: (parameters: P<typeof attestDirective>) => attestDirective(context, parameters),
    buildProposal: (parameters: P<typeof buildProposal>) => buildProposal(context, parameters),
    castVote: (parameters: P<typeof castVote>) => castVote(context, parameters),
    castVoteBySig: (parameters: P<typeof castVoteBySig>) => castVoteBySig(context, parameters),
    castVotes: (parameters: P<typeof castVotes>) => castVotes(context, parameters),
    checkProposal: (parameters: P<typeof checkProposal>) => checkProposal(context, parameters),
    confirmRecordProof: (proof: P<typeof confirmRecordProof>) => confirmRecordProof(context, proof),
    decideProposal: (parameters: P<typeof decideProposal>) => decideProposal(context, parameters),
    executeProposal: (parameters: P<typeof executeProposal>) => executeProposal(context, parameters),
    fetchPayload: (parameters: P<typeof fetchPayload>) => fetchPayload(context, parameters),
    fetchRecord: <Kind extends RecordKind = RecordKind>(parameters: FetchRecordParameters<Kind>) =>
      fetchRecord<Kind>(context, parameters),
    getDirective: (parameters: P<typeof getDirective>) => getDirective(context, parameters),
    getModel: (parameters: P<typeof getModel>) => getModel(context, parameters),
    getProposal: (parameters: P<typeof getProposal>) => getProposal(context, parameters),
    listBallots: (parameters: P<typeof listBallots>) => listBallots(context, parameters),
    listDirectives: (parameters?: P<typeof listDirectives>) => listDirectives(context, parameters),
    listModels: (parameters?: P<typeof listModels>) => listModels(context, parameters),
    listNodes: (parameters?: P<typeof listNodes>) => listNodes(context, parameters),
    listProposals: (parameters?: P<typeof listProposals>) => listProposals(context, parameters),
    listRecords: <Kind extends RecordKind = RecordKind>(parameters?: ListRecordsParameters<Kind>) =>
      listRecords<Kind>(context, parameters),
    listReports: (parameters: P<typeof listReports>) => listReports(context, parameters),
    openProposal: (parameters: P<typeof openProposal>) => openProposal(context, parameters),
    proveRecord: (parameters: P<typeof proveRecord>) => proveRecord(context, parameters),
    queueProposal: (parameters: P<typeof queueProposal>) => queueProposal(context, parameters),
    reportDirective: (parameters: P<typeof reportDirective>) => reportDirective(context, parameters),
    signBallot: (parameters: P<typeof signBallot>) => signBallot(context, parameters),
    signBatch: (parameters: P<typeof signBatch>) => signBatch(context, parameters),
    verifyBallot: (parameters: P<typeof verifyBallot>) => verifyBallot(context, parameters),
    verifyRecord: (parameters: P<typeof verifyRecord>) => verifyRecord(context, parameters),
    watchDirectives: (parameters?: P<typeof watchDirectives>) => watchDirectives(context, parameters),
    watchProposals: (parameters?: P<typeof watchProposals>) => watchProposals(context, parameters),
  };
}

export type Client = ReturnType<typeof createClient>;
