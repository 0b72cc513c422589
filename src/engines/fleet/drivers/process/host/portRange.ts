import { createServer } from "node:net";
import { FleetError } from "../../../errors.js";

/** The ports that replicas of a host may listen on. */
export interface PortRange {
  readonly from: number;
  readonly count: number;
}

/** The first port of a range that is neither taken nor in use by another program. @throws {FleetError} `no-room`. */
export async function freePort({ count, from }: PortRange, taken: ReadonlySet<number>): Promise<number> {
  for (let port = from; port < from + count; port++) {
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new FleetError("no-room", `All ports from ${from} to ${from + count - 1} are in use.`, {
    hints: ["Give the host more ports, or fewer slots."],
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
