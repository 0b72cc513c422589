import pMap from "p-map";
import { type Client, DirectiveStatuses, ProposalStates } from "../../client/index.js";
import { createEventCache, type EventCache } from "../../ports/chain/events/eventCache.js";
import { encodeName, isRevert, NO_CONTENT } from "../../ports/chain/index.js";
import type { ContentId } from "../../records/index.js";

/** Proposals and directives that are asked about at once. */
const PARALLEL = 16;

/** What nothing follows: no node looks at the evidence any more. */
const ENDED_PROPOSALS: ReadonlySet<string> = new Set(["Canceled", "Defeated", "Expired", "Executed"]);
const ENDED_DIRECTIVES: ReadonlySet<string> = new Set(["Done", "Failed", "Lapsed"]);

/** Something that rests on records until it has ended. */
interface Citation {
  readonly id: string;
  readonly evidence: readonly string[];
  readonly hasEnded: (blockTag: number) => Promise<boolean>;
}

/**
 * Records that are kept whatever their age: the model that stands accepted under each name, and what is cited by a proposal
 * that is open, or by a directive that was issued and has not ended. What the chain says at its newest block counts, and what
 * it says at its last final one: nothing is let go of for a change that may be taken back.
 */
export class RetentionHolds {
  readonly #client: Client;
  readonly #proposals: EventCache<"ProposalOpened">;
  /** Ended at a final block: for ever. */
  readonly #ended = new Set<string>();

  constructor(client: Client) {
    this.#client = client;
    this.#proposals = createEventCache(client.chain, ["ProposalOpened"]);
  }

  /** @param final The newest final block. Without one nothing has ended. */
  async read(isPast: (contentId: ContentId) => boolean, final: number | undefined): Promise<ReadonlySet<ContentId>> {
    const exempt = new Set(await this.#accepted(final));
    const citations = [...(await this.#proposed()), ...(await this.#ordered())].filter(
      ({ id, evidence }) => !this.#ended.has(id) && evidence.some((contentId) => isPast(contentId as ContentId)),
    );
    await pMap(
      citations,
      async ({ id, evidence, hasEnded }) => {
        if (final !== undefined && (await hasEnded(final))) this.#ended.add(id);
        else for (const contentId of evidence) exempt.add(contentId as ContentId);
      },
      { concurrency: PARALLEL },
    );
    return exempt;
  }

  async #accepted(final: number | undefined): Promise<ContentId[]> {
    const { chain } = this.#client;
    const accepted = await this.#client.listModels({ limit: Number.POSITIVE_INFINITY });
    const names = new Set(accepted.map(({ name }) => encodeName(name)));
    const tags = [chain.tip, ...(final === undefined ? [] : [final])];
    const found = await Promise.all(
      [...names].flatMap((name) =>
        tags.map((blockTag) => chain.read(() => chain.contracts.models.accepted(name, { blockTag }))),
      ),
    );
    return found.map(({ model }) => model as ContentId).filter((model) => model !== NO_CONTENT);
  }

  async #proposed(): Promise<Citation[]> {
    const { chain } = this.#client;
    return (await this.#proposals.read()).map(({ args: { proposalId, evidence } }) => ({
      id: `proposal ${proposalId}`,
      evidence,
      async hasEnded(blockTag) {
        try {
          const state = await chain.read(() => chain.contracts.governor.state(proposalId, { blockTag }));
          return ENDED_PROPOSALS.has(ProposalStates[Number(state)] ?? "");
        } catch (error) {
          // Opened after that block.
          if (isRevert(error, "GovernorNonexistentProposal")) return false;
          throw error;
        }
      },
    }));
  }

  async #ordered(): Promise<Citation[]> {
    const { chain } = this.#client;
    return (await this.#client.listIssuedDirectives()).map(({ directiveId, evidence }) => ({
      id: `directive ${directiveId}`,
      evidence,
      async hasEnded(blockTag) {
        const status = await chain.read(() => chain.contracts.directives.status(directiveId, { blockTag }));
        return ENDED_DIRECTIVES.has(DirectiveStatuses[Number(status)] ?? "");
      },
    }));
  }
}
