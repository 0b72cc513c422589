import type { Probes, ServeProbesParameters } from "../../src/ports/gossip/index.js";

/** A stand-in for the probes of peers in one process: those answer that serve. */
export class ProbesHub {
  readonly #serving = new Map<string, ServeProbesParameters>();

  /** Probes as this peer makes and answers them. */
  peer(name: string): Probes {
    const ask = (peer: string): boolean => {
      const served = this.#serving.get(peer);
      if (served?.isMember(name) !== true) return false;
      served.onHeard(name);
      return true;
    };
    return {
      counts: { answered: 0, refused: 0, overLimit: 0, checks: 0 },
      isConnected: (peer) => this.#serving.has(peer),
      probe: async (peer) => ask(peer),
      probeThrough: async (helper, peer) => {
        if (!ask(helper)) return "lost";
        return this.#serving.has(peer) ? "answered" : "unanswered";
      },
      serve: async (parameters) => {
        this.#serving.set(name, parameters);
        return async () => void this.#serving.delete(name);
      },
    };
  }
}
