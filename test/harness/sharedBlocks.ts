/** A block map in which somebody can alter a block for good: reading it does not mend it. */
export class SharedBlocks extends Map<string, Uint8Array> {
  readonly #altered = new Set<string>();

  alter(cid: string): void {
    const bytes = this.get(cid)?.slice();
    if (bytes === undefined) throw new Error(`there is no block ${cid}`);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    this.set(cid, bytes);
    this.#altered.add(cid);
  }

  override delete(cid: string): boolean {
    return !this.#altered.has(cid) && super.delete(cid);
  }
}
