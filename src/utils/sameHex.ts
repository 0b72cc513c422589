/** Whether two texts are the same hexadecimal digits: an address is the same with its checksum and without. */
export function sameHex(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
