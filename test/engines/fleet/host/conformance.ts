import { request } from "node:http";
import { describe, expect, it } from "vitest";
import type { HostDriver, HostedInstance } from "../../../../src/engines/fleet/host/types.js";
import type { Release } from "../../../../src/records/index.js";

const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 60_000, interval: 50 });
const probe = { path: "/health", timeoutMs: 2_000 };

export interface TestHost {
  readonly host: HostDriver;
  readonly releases: { readonly v1: Release; readonly v2: Release; readonly broken: Release };
  /** Another agent opens the same machine, after the first was killed. */
  reopen(): Promise<HostDriver>;
  /** An instance dies as by kill -9. */
  kill(instance: HostedInstance): Promise<void>;
}

/** What every driver of a host must do. @param open Gives a host that runs nothing; the test ends what it starts. */
export function conformsToHostDriver(open: () => Promise<TestHost>): void {
  const order = (replica: string, step: string, release: Release) => ({
    ...{ replica, step, release, probe },
    workload: "web",
  });
  const shown = async (host: HostDriver) =>
    (await host.list()).map(({ healthy, release, replica, serving, step }) => ({
      ...{ replica, step, serving, healthy, release },
    }));

  describe("a driver of a host", () => {
    it("starts an instance, and shows where it listens and that it is healthy", async () => {
      const { host, releases } = await open();
      expect(await host.list()).toEqual([]);
      await host.start(order("web/3", "a", releases.v1));
      await eventually(() => shown(host)).toEqual([
        { replica: "web/3", step: "a", serving: false, healthy: true, release: releases.v1.sha256 },
      ]);
      const [instance] = await host.list();
      expect(instance).toMatchObject({ workload: "web", alive: true, latencyMs: expect.any(Number) });
      expect(await statusOf(instance)).toBe(200);
    });

    it("runs two releases of one replica side by side, and sends requests to the one that serves", async () => {
      const { host, releases } = await open();
      await host.start(order("web/3", "a", releases.v1));
      await host.serve("web/3", "a");
      await host.start(order("web/3", "b", releases.v2));
      await eventually(async () => (await shown(host)).filter(({ healthy }) => healthy).length).toBe(2);
      const ports = (await host.list()).map(({ address }) => address?.port);
      expect(new Set(ports).size).toBe(2);
      await host.serve("web/3", "b");
      expect((await shown(host)).map(({ serving, step }) => ({ serving, step }))).toEqual(
        expect.arrayContaining([
          { step: "a", serving: false },
          { step: "b", serving: true },
        ]),
      );
      await host.stop("web/3", "a");
      await eventually(() => shown(host)).toEqual([
        { replica: "web/3", step: "b", serving: true, healthy: true, release: releases.v2.sha256 },
      ]);
    });

    it("starts one instance for each step, also after another agent has taken over, and leaves a dead one dead", async () => {
      const { host, kill, releases, reopen } = await open();
      await host.start(order("web/0xAb", "a", releases.v1));
      await host.serve("web/0xAb", "a");
      await host.start(order("web/0xAb", "a", releases.v1));
      await eventually(() => shown(host)).toMatchObject([{ healthy: true }]);
      const [first] = await host.list();
      const other = await reopen();
      await other.start(order("web/0xAb", "a", releases.v1));
      const [found] = await other.list();
      expect(found).toMatchObject({ instance: first?.instance, serving: true });
      if (found !== undefined) await kill(found);
      await eventually(() => other.list()).toMatchObject([{ alive: false, healthy: false }]);
      await other.start(order("web/0xAb", "a", releases.v1));
      expect(await other.list()).toMatchObject([{ instance: first?.instance, alive: false }]);
      await other.start(order("web/0xAb", "b", releases.v1));
      await eventually(async () => (await shown(other)).find(({ step }) => step === "b")).toMatchObject({
        healthy: true,
      });
    });

    it("stops all instances of a replica and forgets it, and those of no other", async () => {
      const { host, releases } = await open();
      await host.start(order("web/3", "a", releases.v1));
      await host.start(order("web/3", "b", releases.v2));
      await host.start(order("web/30", "a", releases.v1));
      await eventually(async () => (await shown(host)).filter(({ healthy }) => healthy).length).toBe(3);
      const stopped = (await host.list()).filter(({ replica }) => replica === "web/3");
      await host.stop("web/3");
      expect((await shown(host)).map(({ replica }) => replica)).toEqual(["web/30"]);
      for (const instance of stopped) expect(await statusOf(instance)).toBeUndefined();
      await host.stop("web/3");
      await host.stop("never/1");
    });

    it("starts nothing of a release that cannot be run, and keeps what runs", async () => {
      const { host, releases } = await open();
      await host.start(order("web/3", "a", releases.v1));
      await expect(host.prepare(releases.broken)).rejects.toMatchObject({ code: expect.stringMatching(/^fleet-/) });
      await expect(host.start(order("web/3", "b", releases.broken))).rejects.toMatchObject({
        code: expect.stringMatching(/^fleet-/),
      });
      await eventually(() => shown(host)).toMatchObject([{ step: "a", healthy: true }]);
      await expect(host.serve("web/3", "c")).rejects.toMatchObject({ code: "fleet-unknown-replica" });
    });
  });
}

/** What answers at the address of an instance; undefined if nothing does. */
function statusOf(instance: HostedInstance | undefined): Promise<number | undefined> {
  const { host, port } = instance?.address ?? { host: "127.0.0.1", port: 0 };
  return new Promise((resolve) => {
    request({ host, port, path: "/health", agent: false }, (response) => {
      response.destroy();
      resolve(response.statusCode);
    })
      .on("error", () => resolve(undefined))
      .end();
  });
}
