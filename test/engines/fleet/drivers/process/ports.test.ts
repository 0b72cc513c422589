import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { PortOwners } from "../../../../../src/engines/fleet/drivers/process/ports.js";
import { type ProcessFacts, readProcess } from "../../../../../src/engines/fleet/drivers/process/proc.js";
import { marksOf } from "../../../../../src/engines/fleet/drivers/process/processes.js";

const identity = { workloadDir: "/nowhere", replica: "web/0" };

async function factsOf(pid: number | undefined): Promise<ProcessFacts> {
  const facts = await readProcess(pid ?? 0);
  if (facts === undefined) throw new Error("the process has ended");
  return facts;
}

async function listening(host: string, port = 0): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(port, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

it.each(["127.0.0.1", "0.0.0.0", "::"])(
  "is the replica's if it listens on %s, and another's if another does",
  async (host) => {
    const port = await listening(host);
    const own = await factsOf(process.pid);
    const other = spawn("sleep", ["60"], { stdio: "ignore" });
    onTestFinished(() => void other.kill());
    const owners = new PortOwners();
    for (const _ of [1, 2]) expect(await owners.foreign(port, identity, own)).toBeUndefined();
    const facts = await factsOf(other.pid);
    expect(await owners.foreign(port, identity, facts)).toBe(
      `port ${port} belongs to a process that is not of this replica`,
    );
  },
);

it("is that of the socket that the kernel prefers, and nobody's if none listens", async () => {
  const own = await factsOf(process.pid);
  const port = await listening("::1");
  expect(await new PortOwners().foreign(port, identity, own)).toBe(`nothing listens on port ${port}`);
});

it("is the replica's if a child of its listens, in a session of its own too", async () => {
  const source =
    'require("http").createServer().listen(0, "127.0.0.1", function () { console.log(this.address().port) })';
  const env = marksOf(identity, "d/0");
  const child = spawn(process.execPath, ["-e", source], { env, detached: true, stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill());
  const [port] = await once(child.stdout, "data");
  const leader = await factsOf(process.pid);
  expect(await new PortOwners().foreign(Number(port), identity, leader)).toBeUndefined();
});
