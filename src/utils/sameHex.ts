/** Whether two texts are the same hexadecimal digits: an address is equal with and without its checksum. */
export function sameHex(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
