import pMap from "p-map";
import { type Client, DirectiveStatuses, ProposalStates } from "../../client/index.js";
import { createEventCache, type EventCache } from "../../ports/chain/events/eventCache.js";
import { encodeName, isRevert, NO_CONTENT } from "../../ports/chain/index.js";
import type { ContentId } from "../../records/index.js";

/** Proposals and directives whose state is read at once. */
const PARALLEL = 16;

/** Final states, after which no node reads the evidence any more. */
const ENDED_PROPOSALS: ReadonlySet<string> = new Set(["Canceled", "Defeated", "Expired", "Executed"]);
const ENDED_DIRECTIVES: ReadonlySet<string> = new Set(["Done", "Failed", "Lapsed"]);

/** A proposal or directive, which cites records until it has ended. */
interface Citation {
  readonly id: string;
  readonly evidence: readonly string[];
  readonly hasEnded: (blockTag: number) => Promise<boolean>;
}

/**
 * The records on hold, kept whatever their age: the accepted model of each name, and the evidence of proposals that are open
 * and of directives that have not ended. A record is on hold if it is at the newest block or at the last final one: nothing
 * is unpinned for a change that a reorganisation may undo.
 */
export class RetentionHolds {
  readonly #client: Client;
  readonly #proposals: EventCache<"ProposalOpened">;
  /** Ended at a final block, so for ever. */
  readonly #ended = new Set<string>();

  constructor(client: Client) {
    this.#client = client;
    this.#proposals = createEventCache(client.chain, ["ProposalOpened"]);
  }

  /** @param final The newest final block; undefined if no block is final yet, and then nothing has ended. */
  async read(isPast: (contentId: ContentId) => boolean, final: number | undefined): Promise<ReadonlySet<ContentId>> {
    const onHold = new Set(await this.#acceptedModels(final));
    const citations = [...(await this.#proposalCitations()), ...(await this.#directiveCitations())].filter(
      ({ id, evidence }) => !this.#ended.has(id) && evidence.some((contentId) => isPast(contentId as ContentId)),
    );
    await pMap(
      citations,
      async ({ id, evidence, hasEnded }) => {
        if (final !== undefined && (await hasEnded(final))) this.#ended.add(id);
        else for (const contentId of evidence) onHold.add(contentId as ContentId);
      },
      { concurrency: PARALLEL },
    );
    return onHold;
  }

  async #acceptedModels(final: number | undefined): Promise<ContentId[]> {
    const { chain } = this.#client;
    const acceptances = await this.#client.listModels({ limit: Number.POSITIVE_INFINITY });
    const names = new Set(acceptances.map(({ name }) => encodeName(name)));
    const tags = [chain.tip, ...(final === undefined ? [] : [final])];
    const accepted = await Promise.all(
      [...names].flatMap((name) =>
        tags.map((blockTag) => chain.read(() => chain.contracts.models.accepted(name, { blockTag }))),
      ),
    );
    return accepted.map(({ model }) => model as ContentId).filter((model) => model !== NO_CONTENT);
  }

  async #proposalCitations(): Promise<Citation[]> {
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

  async #directiveCitations(): Promise<Citation[]> {
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
