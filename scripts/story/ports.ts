import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the ports that systems give to outgoing connections (from 32,768 on), so that no connection takes them. */
const FIRST = 10_000;
const COUNT = 10_000;
const ATTEMPTS = 100;

/** Ports that were returned before: nothing may listen on them yet. */
const given = new Set<number>();

/** Finds `count` ports in a row that no program listens on and that this process has not returned before. */
export async function freePorts(count: number): Promise<number[]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = randomInt(FIRST, FIRST + COUNT - count);
    const ports = Array.from({ length: count }, (_, offset) => first + offset);
    if (ports.some((port) => given.has(port)) || !(await Promise.all(ports.map(isFree))).every(Boolean)) continue;
    for (const port of ports) given.add(port);
    return ports;
  }
  throw new Error(`No ${count} ports in a row are free between ${FIRST} and ${FIRST + COUNT}.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
