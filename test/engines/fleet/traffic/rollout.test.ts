import { expect, it, onTestFinished } from "vitest";
import { carryOut } from "../../../../src/engines/fleet/index.js";
import { localEndpoints, Traffic } from "../../../../src/engines/fleet/traffic/index.js";
import type { ReplicaStatus } from "../../../../src/engines/fleet/types.js";
import { systemClock } from "../../../../src/utils/clock.js";
import { healthyRelease, startTestFleet } from "../testFleet.js";
import { type Answer, ask } from "./testTraffic.js";

/** A release whose answers take a while, and that breaks off what it has not answered when it is told to end. */
const slowRelease = (name: string) =>
  healthyRelease(name, (source) =>
    source.replace("response.end(JSON.stringify(body));", "setTimeout(() => response.end(JSON.stringify(body)), 20);"),
  );

/** Asks through the proxy for the health of a replica, and now and then for what has a body and may not be repeated, until it is stopped. */
function underLoad(port: number, clients: number) {
  const answers: Answer[] = [];
  const failures: unknown[] = [];
  let stopped = false;
  const client = async (number: number) => {
    for (let n = 0; !stopped; n++) {
      const options = (n + number) % 4 === 0 ? { method: "POST", body: "order" } : { path: "/health" };
      await ask(port, options).then(
        (answer) => ((answer.status ?? 500) < 500 ? answers : failures).push(answer),
        (error: unknown) => failures.push(error),
      );
      await systemClock.sleep(20);
    }
  };
  const running = Array.from({ length: clients }, (_, number) => client(number));
  return {
    answers,
    failures,
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}

it("loses no request of a constant load while a release is deployed in batches", async () => {
  let traffic: Traffic | undefined;
  const [first, second] = [await slowRelease("first"), await slowRelease("second")];
  const fleet = await startTestFleet({
    replicas: 2,
    release: first,
    draining: { drain: async (subject) => traffic?.drain(subject), undrain: (subject) => traffic?.undrain(subject) },
  });
  const failedListings: unknown[] = [];
  const listing = { endpoints: localEndpoints(fleet.driver), clock: systemClock };
  const options = { hosts: { "*": "web" }, queueTimeoutMs: 60_000, drainGraceMs: 60_000 };
  traffic = new Traffic({ ...listing, onError: (error) => failedListings.push(error) }, options);
  await traffic.start(0, "127.0.0.1");
  onTestFinished(() => traffic?.stop());

  const load = underLoad(traffic.status.address?.port ?? 0, 2);
  const workload = "web";
  // A replica may take long to start on a busy machine, which is not what this is about; and probes cost the load its time.
  const context = (id: string) => ({ ...fleet.context(id), progressDeadlineMs: 120_000, probeEveryMs: 200 });
  const deploy = { kind: "Deploy", workload, release: second, batch: 1 } as const;
  expect(await carryOut(deploy, context("d1"))).toMatchObject({ result: "done" });
  await load.stop();

  expect([load.failures, failedListings]).toEqual([[], []]);
  const releases = load.answers.flatMap(({ text }) => (text.includes("release") ? [JSON.parse(text).release] : []));
  expect(new Set(releases)).toEqual(new Set(["first", "second"]));
  const [web] = traffic.status.workloads;
  expect(web).toMatchObject({ requests: load.answers.length, errors: 0, waiting: 0 });
  const names = (await fleet.driver.list()).map(({ release }: ReplicaStatus) => release.name);
  expect(names).toEqual(["second", "second"]);
});
