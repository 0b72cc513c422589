import { connect } from "node:net";
import { network } from "hardhat";
import { BaseError } from "../../src/errors.js";
import { developmentChain } from "../../src/ports/chain/index.js";

const HOST = "127.0.0.1";

export interface LocalNetwork {
  readonly rpc: string;
  readonly chainId: number;
  close(): Promise<void>;
}

/** Another program listens on the local network's port. */
class PortInUseError extends BaseError {
  constructor(port: number) {
    super("port-in-use", `Port ${port} on ${HOST} is in use, so the local network cannot start there.`, {
      hints: ["End the program that listens there: it may be a story that still runs."],
    });
  }
}

/**
 * Hardhat's local network as a JSON-RPC server: a block for every transaction and one every second, so that time moves
 * as on a chain.
 */
export async function startNetwork(port: number): Promise<LocalNetwork> {
  if (await answers(port)) throw new PortInUseError(port);
  const server = await network.createServer("story", HOST, port);
  const { address, port: actual } = await server.listen();
  return { rpc: `http://${address}:${actual}`, chainId: 31_337, close: () => server.close() };
}

/** A development chain that runs already and is empty, such as that of Anvil or of `geth --dev --dev.period 1`. */
export async function joinNetwork(rpc: string): Promise<LocalNetwork> {
  return { rpc, chainId: await developmentChain(rpc).chainId(), close: async () => undefined };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
