import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Signer } from "ethers";
import type { Client } from "../../client/index.js";
import { messageOf } from "../../errors.js";
import { createRequestResponse, type RequestingNode } from "../../ports/gossip/index.js";
import { type EnvelopeContext, EnvelopeError, openEnvelope, sealEnvelope } from "../../ports/keys/envelope.js";
import type { Address } from "../../records/index.js";
import type { Clock } from "../../utils/clock.js";
import type { Reserve } from "../../utils/disk/withReserve.js";
import type { Logger } from "../../utils/logger.js";
import { sameHex } from "../../utils/sameHex.js";
import { RestoreMarker } from "./restoreMarker.js";
import { MAX_SESSION_BYTES } from "./sessions/message.js";
import { Sessions, type SessionsDependencies } from "./sessions/sessions.js";
import { SigningGuard } from "./signingGuard.js";

/** A node that has run has these. */
const JOURNALS = ["outbox.jsonl", "ballots.jsonl"];

export interface OpenGuardParameters {
  readonly dataDir: string;
  readonly self: Address;
  readonly client: Pick<Client, "listAnchors">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How many signatures the journals hold. */
  readonly signed: () => number;
  /** Room on a full disk for the word that the folder was restored. */
  readonly reserve?: Reserve | undefined;
}

/**
 * The guard of a data folder. To be opened before the journals: a folder without any is that of a new node, or of one that has
 * lost them, if the chain knows its key.
 */
export async function openGuard(parameters: OpenGuardParameters): Promise<SigningGuard> {
  const { client, clock, dataDir, logger, reserve, self, signed } = parameters;
  const marker = await RestoreMarker.open(dataDir, reserve);
  const sizes = await Promise.all(JOURNALS.map((name) => sizeOf(join(dataDir, name))));
  // A start that could not write down that it found no journals leaves empty ones.
  const isEmpty = sizes.every((size) => size === undefined || size === 0);
  const [outbox = 0, ballots] = sizes;
  // Every run makes both: one of a node that has written records, without its ballots, was removed.
  const isCut = outbox > 0 && ballots === undefined;
  const hasActed = isEmpty && (await client.listAnchors()).entries.some(({ author }) => sameHex(author, self));
  const isLost = (hasActed || isCut) && marker.restore === undefined;
  const isNew = sizes.every((size) => size === undefined) && !hasActed;
  const guard = new SigningGuard({ clock, logger, marker, signed, isNew });
  if (isLost) await guard.rolledBack(0, "journals-missing");
  return guard;
}

export interface CreateSessionsParameters
  extends Pick<SessionsDependencies, "self" | "guard" | "signed" | "clock" | "logger"> {
  /** This node's key, and where its signatures hold. */
  readonly signer: Signer;
  readonly context: Omit<EnvelopeContext, "topic">;
  readonly streams: RequestingNode;
}

/** The exchange of sessions over libp2p. Nothing runs until it is started. */
export function createSessions(parameters: CreateSessionsParameters): Sessions {
  const { clock, context, logger, signer, streams } = parameters;
  const sealed = { ...context, topic: "session" };
  const onError = (error: unknown) => logger.debug("a request between peers failed", { reason: messageOf(error) });
  const protocol = `/witan/session/1/${context.governor.toLowerCase()}`;
  return new Sessions({
    ...parameters,
    transport: createRequestResponse({ libp2p: streams, protocol, clock, maxBytes: MAX_SESSION_BYTES, onError }),
    seal: async (text) => new TextDecoder().decode(await sealEnvelope(signer, sealed, text)),
    open(text) {
      try {
        const { author, body } = openEnvelope(sealed, new TextEncoder().encode(text));
        return { author, text: body };
      } catch (error) {
        if (error instanceof EnvelopeError) return undefined;
        throw error;
      }
    },
  });
}

/** In bytes; undefined if there is no such file. */
async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
