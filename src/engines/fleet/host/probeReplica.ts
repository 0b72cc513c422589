import { request } from "node:http";
import { z } from "zod";
import type { Hex } from "../../../records/index.js";
import { REPLICA_PATH } from "./replicaServer.js";

/** What one probe of a replica over the network shows. `release` is null if no replica answered. */
export interface RemoteProbe {
  readonly release: Hex | null;
  /** `unreached`: its host does not answer. */
  readonly result: "healthy" | "sick" | "unreached";
}

const MAX_ANSWER_BYTES = 4_096;
const UNREACHED: RemoteProbe = { release: null, result: "unreached" };
const SICK: RemoteProbe = { release: null, result: "sick" };

const answer = z.object({
  replica: z.string(),
  release: z.custom<Hex>((value) => typeof value === "string" && /^0x[0-9a-f]{64}$/.test(value)).nullable(),
  healthy: z.boolean(),
});

export interface ProbeReplicaParameters {
  /** Where the host says that it is reached, `HOST:PORT`, the best first. */
  readonly addresses: readonly string[];
  readonly replica: string;
  /** The sha256 of the release that is looked for; without it, or where no instance of it runs, the one that serves is asked. */
  readonly release?: Hex | undefined;
  /** For each address. */
  readonly timeoutMs: number;
}

/**
 * Asks a host how a replica of its is. The first address that answers counts: a host that answers anything else than that the
 * replica is healthy has been reached. Does not reject.
 */
export async function probeReplica(parameters: ProbeReplicaParameters): Promise<RemoteProbe> {
  for (const address of parameters.addresses) {
    const found = await ask(address, parameters);
    if (found.result !== "unreached") return found;
  }
  return UNREACHED;
}

function ask(address: string, { release, replica, timeoutMs }: ProbeReplicaParameters): Promise<RemoteProbe> {
  return new Promise((resolve) => {
    let url: URL;
    try {
      url = new URL(`http://${address}${REPLICA_PATH}${encodeURIComponent(replica)}`);
      if (release !== undefined) url.searchParams.set("release", release);
    } catch {
      resolve(UNREACHED);
      return;
    }
    // A host that has begun to answer cannot take back that it was reached.
    let otherwise = UNREACHED;
    const sent = request(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      otherwise = SICK;
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length <= MAX_ANSWER_BYTES) return;
        resolve(SICK);
        response.destroy();
      });
      response.on("end", () => resolve(readAnswer(response.statusCode, text, replica)));
      response.on("error", () => resolve(SICK));
    });
    sent.on("error", () => resolve(otherwise));
    sent.end();
  });
}

function readAnswer(status: number | undefined, text: string, replica: string): RemoteProbe {
  // The host is there, and says nothing of the replica now: that it is asked too often is no word on it.
  if (status === 429) return UNREACHED;
  try {
    const said = answer.parse(JSON.parse(text));
    if (status !== 200 || said.replica !== replica || !said.healthy) return SICK;
    return { release: said.release, result: "healthy" };
  } catch {
    return SICK;
  }
}
