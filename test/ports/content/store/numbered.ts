/** A block that no other number has. */
export function numbered(number: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length).map((_, index) => index * 31 + (index >> 8));
  bytes.set(new TextEncoder().encode(`${number}`).subarray(0, length));
  return bytes;
}
