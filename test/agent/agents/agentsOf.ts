import { onTestFinished } from "vitest";
import type { Client } from "../../../src/client/index.js";
import type { Order } from "../../../src/records/index.js";
import { type Agents, type AgentsOptions, createAgents } from "../../harness/agents.js";

/** Agents that are stopped when the test ends. */
export async function agentsOf(options: AgentsOptions = {}): Promise<Agents> {
  const created = await createAgents(options);
  onTestFinished(() => created.close());
  return created;
}

export const restartOf = (replica: string, instance: string): Order => ({ kind: "Restart", replica, instance });

export const ballotsOf = async (reader: Client, proposalId: string) =>
  (await reader.listBallots({ proposalId })).map(({ voter, support, reason }) => ({ voter, support, reason }));

/** What went wrong for the agents and will be tried again. */
export const troubles = ({ logs }: Agents) => logs.filter(({ level }) => level === "warn" || level === "error");
