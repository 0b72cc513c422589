import { type Call, type DecodedCall, type Deployment, encodeCall } from "../../ports/chain/index.js";
import { type ContentId, type Directive, DirectiveKinds, type Hex } from "../../records/index.js";

/** A directive in the form of the ABI. */
interface DirectiveArgs {
  readonly kind: bigint;
  readonly subject: string;
  readonly payload: string;
  readonly delay: bigint;
  readonly window: bigint;
  readonly salt: string;
  readonly base: string;
  readonly evidence: readonly string[];
}

/** The call that issues a directive. */
export function issueCall(addresses: Deployment["contracts"], directive: Directive): Call {
  const struct = { ...directive, kind: DirectiveKinds.indexOf(directive.kind) };
  return encodeCall(addresses, "DirectiveRegistry", "issue", [struct]);
}

/** Whether a decoded call issues a directive. */
export function isIssue(call: DecodedCall): boolean {
  return call.contract === "DirectiveRegistry" && call.name === "issue";
}

/** The directive in a decoded `issue` call; undefined if its kind is unknown. */
export function directiveOfCall(call: DecodedCall): Directive | undefined {
  return directiveOfArgs((call.args as { directive: DirectiveArgs }).directive);
}

/** A directive from its decoded ABI form. */
export function directiveOfArgs(args: DirectiveArgs): Directive | undefined {
  const kind = DirectiveKinds[Number(args.kind)];
  if (kind === undefined) return undefined;
  return {
    kind,
    subject: args.subject as Hex,
    payload: args.payload as ContentId,
    delay: Number(args.delay),
    window: Number(args.window),
    salt: args.salt as Hex,
    base: args.base as Hex,
    evidence: [...args.evidence] as ContentId[],
  };
}
