import { NodePresence__factory } from "../../src/ports/chain/bindings/index.js";
import type { TestDao } from "./dao.js";

/** Suspends these seats on chain, as an order that has passed does. */
export async function suspendSeats({ client, witan }: TestDao, ...indices: readonly number[]): Promise<void> {
  const { chain } = client();
  const from = chain.addresses.NodeTimelock;
  const to = chain.addresses.NodePresence;
  const data = NodePresence__factory.createInterface().encodeFunctionData("suspend", [[...indices]]);
  const send = (method: string, ...params: unknown[]) => witan.provider.request({ method, params });
  await send("hardhat_impersonateAccount", from);
  await send("hardhat_setBalance", from, "0xde0b6b3a7640000");
  await send("eth_sendTransaction", { from, to, data });
  await send("hardhat_stopImpersonatingAccount", from);
  // What is opened from now on is opened in this presence: that of the second before counts.
  await witan.increaseTime(1);
}
