import type { Fragment, Interface } from "ethers";

/** Where ethers' fragments have the hash of their signature: functions and errors under the one name, events under the other. */
const HASHES = ["selector", "topicHash"] as const;

/**
 * The same interface, which hashes the signature of each function, event and error once. ethers by itself hashes it each time
 * that it is asked for: to find the event of one log, up to those of all events.
 */
export function withHashes<Face extends Interface>(face: Face): Face {
  for (const fragment of face.fragments) {
    for (const name of HASHES) if (name in fragment) rememberHash(fragment, name);
  }
  return face;
}

function rememberHash(fragment: Fragment, name: (typeof HASHES)[number]): void {
  Object.defineProperty(fragment, name, {
    configurable: true,
    get() {
      const value: string = Reflect.get(Object.getPrototypeOf(fragment), name, fragment);
      Object.defineProperty(fragment, name, { value });
      return value;
    },
  });
}
