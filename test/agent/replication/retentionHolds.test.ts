import { describe, expect, it } from "vitest";
import { RetentionHolds } from "../../../src/agent/replication/retentionHolds.js";
import {
  type Client,
  type DirectiveStatus,
  DirectiveStatuses,
  type ProposalState,
  ProposalStates,
} from "../../../src/client/index.js";
import { ContractRevertError, encodeName, NO_CONTENT } from "../../../src/ports/chain/index.js";
import { type ContentId, contentIdOf } from "../../../src/records/index.js";

const idOf = (text: string): ContentId => contentIdOf(new TextEncoder().encode(text));
const [old, older, young] = [idOf("old"), idOf("older"), idOf("young")];
const isPast = (contentId: ContentId) => contentId !== young;
const FINAL = 50;
const TIP = "latest";

/** What a chain says at the newest block and at the last final one. */
interface Told<T> {
  readonly tip: T;
  readonly final: T;
}
const both = <T>(value: T): Told<T> => ({ tip: value, final: value });

interface ChainOptions {
  readonly proposals?: Readonly<
    Record<string, { readonly evidence: readonly ContentId[]; readonly state: ProposalState | "unknown" }>
  >;
  readonly directives?: Readonly<
    Record<string, { readonly evidence: readonly ContentId[]; readonly status: DirectiveStatus }>
  >;
  readonly models?: Readonly<Record<string, Told<ContentId>>>;
}

/** The holds of a chain that says so; `asked` are the proposals and directives whose state was read, and at which block. */
function open({ directives = {}, models = {}, proposals = {} }: ChainOptions) {
  const asked: string[] = [];
  const events = Object.entries(proposals).map(([proposalId, { evidence }], blockNumber) => ({
    name: "ProposalOpened",
    blockNumber,
    args: { proposalId, evidence },
  }));
  const client = {
    chain: {
      tip: TIP,
      deployedAtBlock: 0,
      blockNumber: async () => 60,
      events: async ({ fromBlock, toBlock }: { fromBlock: number; toBlock: number }) =>
        events.filter(({ blockNumber }) => blockNumber >= fromBlock && blockNumber <= toBlock),
      read: <T>(call: () => Promise<T>) => call(),
      contracts: {
        governor: {
          async state(id: string, { blockTag }: { blockTag: number }) {
            asked.push(`proposal ${id} at ${blockTag}`);
            const state = proposals[id]?.state ?? "unknown";
            if (state !== "unknown") return BigInt(ProposalStates.indexOf(state));
            throw new ContractRevertError({
              errorName: "GovernorNonexistentProposal",
              args: {},
              contract: "NodeGovernor",
            });
          },
        },
        directives: {
          async status(id: string, { blockTag }: { blockTag: number }) {
            asked.push(`directive ${id} at ${blockTag}`);
            return BigInt(DirectiveStatuses.indexOf(directives[id]?.status ?? "Unknown"));
          },
        },
        models: {
          async accepted(name: string, { blockTag }: { blockTag: number | string }) {
            const [, told] = Object.entries(models).find(([each]) => encodeName(each) === name) ?? [];
            return { model: (blockTag === TIP ? told?.tip : told?.final) ?? NO_CONTENT };
          },
        },
      },
    },
    // A name is listed once for each acceptance.
    listModels: async () => Object.keys(models).flatMap((name) => [{ name }, { name }]),
    listIssuedDirectives: async () =>
      Object.entries(directives).map(([directiveId, { evidence }]) => ({ directiveId, evidence })),
  } as unknown as Client;
  const holds = new RetentionHolds(client);
  return {
    asked,
    /** @param final The last final block; null before the first. */
    read: async (final: number | null = FINAL) => [...(await holds.read(isPast, final ?? undefined))],
  };
}

describe("the records on hold", () => {
  it("are none of a chain that nobody has used", async () => {
    expect(await open({}).read()).toEqual([]);
  });

  it.each(ProposalStates)("are the evidence of a proposal unless it has ended: %s", async (state) => {
    const { asked, read } = open({ proposals: { "7": { evidence: [old, older], state } } });
    const ended = ["Canceled", "Defeated", "Expired", "Executed"].includes(state);
    expect(await read()).toEqual(ended ? [] : [old, older]);
    expect(asked).toEqual([`proposal 7 at ${FINAL}`]);
  });

  it.each(DirectiveStatuses)("are the evidence of a directive unless it has ended: %s", async (status) => {
    const { asked, read } = open({ directives: { d: { evidence: [old], status } } });
    const ended = ["Done", "Failed", "Lapsed"].includes(status);
    expect(await read()).toEqual(ended ? [] : [old]);
    expect(asked).toEqual([`directive d at ${FINAL}`]);
  });

  it("are the evidence of a proposal that was opened after the final block", async () => {
    expect(await open({ proposals: { "7": { evidence: [old], state: "unknown" } } }).read()).toEqual([old]);
  });

  it("are all evidence while no block is final, and no state is asked for", async () => {
    const proposals = { "7": { evidence: [old], state: "Executed" } } as const;
    const { asked, read } = open({ proposals });
    expect([await read(null), asked]).toEqual([[old], []]);
  });

  it("are those of both where one ended and another cites the same record", async () => {
    const { read } = open({
      proposals: { "7": { evidence: [old], state: "Executed" } },
      directives: { d: { evidence: [old], status: "Issued" } },
    });
    expect(await read()).toEqual([old]);
  });

  it("are the accepted models, at the newest block and at the final one", async () => {
    const { read } = open({
      models: { mnist: both(old), digits: { tip: young, final: older }, none: both(NO_CONTENT) },
    });
    expect(new Set(await read())).toEqual(new Set([old, young, older]));
  });
});

describe("the chain", () => {
  it("is not asked about what cites only young records: they are kept anyway", async () => {
    const { asked, read } = open({
      proposals: { "7": { evidence: [young], state: "Active" } },
      directives: { d: { evidence: [], status: "Issued" } },
    });
    expect([await read(), asked]).toEqual([[], []]);
  });

  it("is asked once about what has ended, and each time about the rest", async () => {
    const { asked, read } = open({
      proposals: { "7": { evidence: [old], state: "Defeated" }, "8": { evidence: [older], state: "Active" } },
      directives: { d: { evidence: [old], status: "Done" } },
    });
    expect([await read(), await read(60)]).toEqual([[older], [older]]);
    expect(asked.slice(3)).toEqual(["proposal 8 at 60"]);
  });
});
