import { MemoryDatastore } from "datastore-core";
import type { LevelDatastore } from "datastore-level";

type Key = Parameters<MemoryDatastore["put"]>[0];

/**
 * What libp2p remembers of peers: in memory, and as far as the disk takes it there too, so that peers are known again after a
 * start. libp2p asks a peer for nothing if it cannot write the peer down, and a node with a full disk has to hear of votes.
 */
export class PeerDatastore extends MemoryDatastore {
  readonly #disk: LevelDatastore;

  private constructor(disk: LevelDatastore) {
    super();
    this.#disk = disk;
  }

  /** @param disk Open, and closed with this. */
  static async open(disk: LevelDatastore): Promise<PeerDatastore> {
    const opened = new PeerDatastore(disk);
    for await (const { key, value } of disk.query({})) opened.#keep(key, value);
    return opened;
  }

  override async put(key: Key, value: Uint8Array): Promise<Key> {
    this.#keep(key, value);
    await this.#disk.put(key, value).catch(() => undefined);
    return key;
  }

  override async delete(key: Key): Promise<void> {
    super.delete(key);
    await this.#disk.delete(key).catch(() => undefined);
  }

  close(): Promise<void> {
    return this.#disk.close();
  }

  #keep(key: Key, value: Uint8Array): void {
    super.put(key, value);
  }
}
