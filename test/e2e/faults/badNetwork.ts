import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Member } from "../../../scripts/story/members.js";
import type { Heal } from "../../faults/processes.js";

/** The files that `badNetwork.mjs` reads: which agents cannot reach which others, and how slow they are. */
export class BadNetwork {
  /** For WITAN_NETWORK_FILE. */
  readonly pattern: string;
  readonly #dir: string;
  /** Of each agent the ports that it cannot reach; one that is in two cuts stands there twice. */
  readonly #cut = new Map<number, number[]>();
  readonly #delayMs = new Map<number, number>();
  /** The agents that have a file. */
  readonly #written = new Set<number>();

  constructor(dir: string) {
    this.#dir = dir;
    this.pattern = join(dir, "{node}-network.json");
  }

  /** Parts one agent from all others, both ways. Their RPC addresses are reached as before. */
  async cutOff(agent: number, members: readonly Pick<Member, "multiaddr">[]): Promise<Heal> {
    const ports = members.map(({ multiaddr }) => Number(/\/tcp\/(\d+)/.exec(multiaddr)?.[1]));
    const pairs = ports.flatMap((port, other) =>
      other === agent ? [] : [[agent, port] as const, [other, ports[agent] ?? 0] as const],
    );
    for (const [from, port] of pairs) this.#cut.set(from, [...(this.#cut.get(from) ?? []), port]);
    await this.#write();
    return async () => {
      for (const [from, port] of pairs) {
        const left = this.#cut.get(from) ?? [];
        left.splice(left.indexOf(port), 1);
      }
      await this.#write();
    };
  }

  /** What an agent writes to others, and to its RPC address, is so late. */
  async slow(agent: number, delayMs: number): Promise<Heal> {
    this.#delayMs.set(agent, delayMs);
    await this.#write();
    return async () => {
      this.#delayMs.delete(agent);
      await this.#write();
    };
  }

  async #write(): Promise<void> {
    for (const agent of new Set([...this.#cut.keys(), ...this.#delayMs.keys(), ...this.#written])) {
      this.#written.add(agent);
      const said = { cut: [...new Set(this.#cut.get(agent))], delayMs: this.#delayMs.get(agent) ?? 0 };
      await writeFile(join(this.#dir, `node-${agent + 1}-network.json`), JSON.stringify(said));
    }
  }
}
