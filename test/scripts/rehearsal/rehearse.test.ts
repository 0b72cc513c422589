import { expect, it } from "vitest";
import { HostServer } from "../../../scripts/rehearsal/hostServer.js";
import { rehearse } from "../../../scripts/rehearsal/rehearse.js";
import { turnoutBar } from "../../../src/surfaces/cli/output/turnoutBar.js";

it("draws how a vote stands", () => {
  expect(turnoutBar({ for: 5, against: 2, abstain: 1 }, 10)).toBe(
    "[████████████████████▒▒▒▒▒▒▒▒····        ] 5 for, 2 against, 1 abstain, of 10 (80 %)",
  );
  expect(turnoutBar({ for: 0, against: 0, abstain: 0 }, 0)).toBe(
    `[${" ".repeat(40)}] 0 for, 0 against, 0 abstain, of 0 (0 %)`,
  );
});

it.each([
  [{ nodes: 0 }, "A rehearsal has 1 to 10000 nodes."],
  [{ nodes: 3, processes: 4 }, "There must be at least one voting node for each process."],
  [{ nodes: 3, hostile: 60 }, "At most 50 percent of the nodes can be hostile or silent."],
  [{ nodes: 5, processes: 1, hostile: 20, silent: 40 }, "At most 50 percent of the nodes can be hostile or silent."],
])("refuses a rehearsal that cannot be: %j", async (options, message) => {
  const rehearsal = rehearse({ rpcUrl: "http://127.0.0.1:1", onProgress: () => undefined, ...options });
  await expect(rehearsal).rejects.toThrow(message);
});

it("says that a rehearsal needs a development chain", async () => {
  const rehearsal = rehearse({ rpcUrl: "http://127.0.0.1:1", nodes: 1, onProgress: () => undefined });
  await expect(rehearsal).rejects.toMatchObject({ code: "rpc-unreachable" });
});

it("answers that it was not started", async () => {
  const host = new HostServer();
  expect(await host.answer({ type: "stats" })).toEqual({ type: "failed", reason: "the host has not been started" });
  expect(await host.answer({ type: "stop" })).toEqual({ type: "stopped" });
});
