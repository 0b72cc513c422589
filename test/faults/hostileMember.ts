import { AbiCoder, type BytesLike, type ContractTransactionResponse, concat, type Interface } from "ethers";
import { type Client, type Support, Supports } from "../../src/client/index.js";
import { type Call, contractInterfaces, type Receipt } from "../../src/ports/chain/index.js";
import type { Hex, Order } from "../../src/records/index.js";

const governor: Interface = contractInterfaces.NodeGovernor;

/** The calldata of a function of the governor whose texts are any bytes: the contracts do not look at them. */
function encodeRaw(name: string, args: readonly unknown[]): Hex {
  const fragment = governor.getFunction(name);
  if (fragment === null) throw new Error(`the governor has no ${name}`);
  const types = fragment.inputs.map(({ type }) => (type === "string" ? "bytes" : type));
  return concat([fragment.selector, AbiCoder.defaultAbiCoder().encode(types, args)]) as Hex;
}

function send({ chain }: Client, data: Hex): Promise<Receipt> {
  const { addresses, signer } = chain;
  if (signer === undefined) throw new Error("a member signs");
  return chain.send(
    () => signer.sendTransaction({ to: addresses.NodeGovernor, data }) as Promise<ContractTransactionResponse>,
  );
}

/** Opens a proposal under a description of any bytes. Returns its id. */
export async function proposeRaw(
  client: Client,
  description: Uint8Array,
  { calls = callsFor(client) }: { readonly calls?: readonly Call[] } = {},
): Promise<string> {
  const args = [calls.map((call) => call.target), calls.map((call) => call.value), calls.map((call) => call.data)];
  const { logs } = await send(client, encodeRaw("propose", [...args, description]));
  for (const event of logs) if (event.name === "ProposalCreated") return event.args.proposalId.toString();
  throw new Error("the governor opened nothing");
}

/** Votes for a reason of any bytes. */
export async function voteRaw(client: Client, proposalId: string, support: Support, reason: Uint8Array): Promise<void> {
  await send(client, encodeRaw("castVoteWithReason", [proposalId, Supports.indexOf(support), reason]));
}

/** The calls of an order that anybody may propose. */
export function callsFor(
  client: Client,
  order: Order = { kind: "SetFlag", name: "hostile", value: true },
): readonly Call[] {
  return client.buildProposal({ order }).calls;
}

/** The log of an event whose texts are any bytes, as an RPC gives it. */
export function encodeRawLog(
  face: Interface,
  name: string,
  args: readonly (BytesLike | bigint | readonly unknown[] | boolean | number)[],
): { readonly topics: readonly Hex[]; readonly data: Hex } {
  const fragment = face.getEvent(name);
  if (fragment === null) throw new Error(`there is no event ${name}`);
  const coder = AbiCoder.defaultAbiCoder();
  const indexed = fragment.inputs.flatMap((input, i) => (input.indexed ? [coder.encode([input.type], [args[i]])] : []));
  const others = fragment.inputs.flatMap((input, i) => (input.indexed ? [] : [{ type: input.type, value: args[i] }]));
  return {
    topics: [fragment.topicHash, ...indexed] as Hex[],
    data: coder.encode(
      others.map(({ type }) => type.replace(/^string/, "bytes")),
      others.map(({ value }) => value),
    ) as Hex,
  };
}
