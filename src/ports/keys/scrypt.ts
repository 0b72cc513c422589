import { scrypt as nodeScrypt } from "node:crypto";
import { scrypt as ethersScrypt, getBytes, hexlify } from "ethers";

/** scrypt's N of a key file, as in other Ethereum wallets: opening takes about half a second and 128 MiB. */
export const DEFAULT_SCRYPT_N = 131_072;
/** Files with a larger N are refused: opening them would take gigabytes of memory. */
export const MAX_SCRYPT_N = 1_048_576;
const MAX_SCRYPT_MEMORY = 2 * 1024 ** 3;

let registered = false;

/** Makes ethers derive keys with Node's own scrypt, off the main thread and many times faster than in JavaScript. */
export function useNativeScrypt(): void {
  if (registered) return;
  registered = true;
  ethersScrypt.register(
    (password, salt, N, r, p, dkLen) =>
      new Promise((resolve, reject) => {
        const maxmem = Math.min(256 * N * r, MAX_SCRYPT_MEMORY);
        nodeScrypt(getBytes(password), getBytes(salt), dkLen, { N, r, p, maxmem }, (error, key) => {
          if (error === null) resolve(hexlify(key));
          else reject(error);
        });
      }),
  );
}
