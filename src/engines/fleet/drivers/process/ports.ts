import { open } from "node:fs/promises";
import { type InstanceId, instanceIdOf, type ProcessFacts, socketAt, socketsOf } from "./proc.js";
import { findProcesses, type ReplicaIdentity } from "./processes.js";

/** The state of a listening socket in /proc/net/tcp: include/net/tcp_states.h. */
const LISTEN = "0A";
const CHUNK_BYTES = 16_384;
/** Addresses, as /proc/net/tcp and tcp6 write them, that a connection to 127.0.0.1 reaches, those that the kernel prefers first. */
const REACHED: readonly ReadonlySet<string>[] = [
  new Set(["0100007F", "0000000000000000FFFF00000100007F"]),
  new Set(["00000000", "0000000000000000FFFF000000000000"]),
  new Set(["0".repeat(32)]),
];

/** A socket that listens on a port. */
interface Listener {
  readonly address: string;
  readonly port: number;
  readonly inode: number;
}

/**
 * Says who holds the port of a replica. An answer on the port shows that the replica is well only if the replica gave it: a
 * process of the release before, or of another program, may hold the port and answer.
 */
export class PortOwners {
  /** By port: the instance whose descriptor was found last, and where, since looking through all of a busy process costs. */
  readonly #known = new Map<number, { readonly instance: InstanceId; readonly path: string }>();

  /** Why an answer on 127.0.0.1 at `port` is not the replica's; undefined if it is. `leader` is its recorded process. */
  async foreign(port: number, identity: ReplicaIdentity, leader: ProcessFacts): Promise<string | undefined> {
    const listening = (await listeners()).filter((each) => each.port === port);
    const answering = REACHED.map((addresses) => listening.filter(({ address }) => addresses.has(address)));
    const inodes = new Set((answering.find((level) => level.length > 0) ?? []).map(({ inode }) => inode));
    if (inodes.size === 0) return `nothing listens on port ${port}`;
    const instance = instanceIdOf(leader);
    const known = this.#known.get(port);
    const inode = known?.instance === instance ? await socketAt(known.path) : undefined;
    if (inode !== undefined) inodes.delete(inode);
    // Each must be the replica's: the kernel spreads connections over all that share a port (SO_REUSEPORT).
    if (inodes.size > 0) await this.#drop(port, inodes, leader.pid, instance);
    if (inodes.size === 0) return undefined;
    for (const { pid } of await findProcesses(identity, leader)) await this.#drop(port, inodes, pid, instance);
    if (inodes.size === 0) return undefined;
    this.#known.delete(port);
    return `port ${port} belongs to a process that is not of this replica`;
  }

  /** Removes from `inodes` those of the sockets that the process holds. */
  async #drop(port: number, inodes: Set<number>, pid: number, instance: InstanceId): Promise<void> {
    const held = await socketsOf(pid);
    for (const inode of inodes) {
      const path = held.get(inode);
      if (path === undefined) continue;
      inodes.delete(inode);
      this.#known.set(port, { instance, path });
    }
  }
}

/** All TCP sockets that listen in this network namespace. */
async function listeners(): Promise<Listener[]> {
  const both = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map(listenersIn));
  return both.flat();
}

/** Reads the first part of the table: the kernel lists listening sockets before connections, of which there may be very many. */
async function listenersIn(path: string): Promise<Listener[]> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    // A kernel without IPv6.
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (file === undefined) return [];
  const found: Listener[] = [];
  try {
    let text = "";
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES);
      text += buffer.toString("latin1", 0, bytesRead);
      const rows = text.split("\n");
      text = rows.pop() ?? "";
      for (const row of rows) {
        const [number = "", local = "", , state, , , , , , inode] = row.trim().split(/\s+/);
        if (!number.endsWith(":")) continue;
        if (state !== LISTEN) return found;
        const [address = "", port = ""] = local.split(":");
        found.push({ address, port: Number.parseInt(port, 16), inode: Number(inode) });
      }
      if (bytesRead === 0) return found;
    }
  } finally {
    await file.close();
  }
}
