import { expect, it, onTestFinished } from "vitest";
import { StatementExchange } from "../../../../src/agent/rollout/statements/exchange.js";
import type { StageReport } from "../../../../src/policy/rollout/index.js";
import { sealEnvelope } from "../../../../src/ports/keys/envelope.js";
import type { Address } from "../../../../src/records/index.js";
import { createLogger } from "../../../../src/utils/logger.js";
import { operatorKey } from "../../../harness/deploy.js";
import { GossipHub } from "../../../harness/gossipHub.js";
import { VirtualClock } from "../../../harness/virtualClock.js";
import { hex, planOf, reportOf, sighting } from "../../../policy/rollout/fixtures.js";

const context = { chainId: 31_337, governor: `0x${"ab".repeat(20)}`, topic: "witan/rollouts/0xab" } as const;
const logger = createLogger("silent", () => undefined);
const plan = planOf(4, { strategy: { kind: "rolling", maxUnavailable: 4, maxSurge: 0 }, failureLimit: 0 });
const hosts = plan.waves.flatMap(({ replicas }) => replicas.map(({ host }) => host)).sort();
const agents = new Map(hosts.map((host, i) => [host, operatorKey(i).address as Address]));

function mesh() {
  const hub = new GossipHub();
  const clock = new VirtualClock();
  const join = (index: number, name = `node ${index}`) => {
    const wallet = operatorKey(index);
    const exchange = new StatementExchange({
      ...{ context, clock, logger, random: () => 0.5, gossip: hub.peer(name), onAbuse: () => undefined },
      seal: (its, body) => sealEnvelope(wallet, its, body),
    });
    exchange.start();
    onTestFinished(() => exchange.stop());
    exchange.update([plan], agents);
    return exchange;
  };
  return { hub, clock, join };
}

/** What the host with an index says of its replica. */
function wordOf(index: number, changes: Partial<StageReport> = {}): StageReport {
  const place = plan.waves[0]?.replicas.findIndex(({ host }) => host === hosts[index]) ?? 0;
  return reportOf(plan, [0, place], changes);
}

it("brings a statement to all, and counts it once however often it is repeated", async () => {
  const { clock, hub, join } = mesh();
  const [author, other] = [join(0), join(1)];
  await author.say(wordOf(0));
  await hub.settled();
  await clock.pass(60_000);
  await author.tick(undefined);
  await hub.settled();
  expect(other.held(plan.directive)?.evidence.all().reports).toEqual([wordOf(0)]);
  expect(other.held(plan.directive)?.version).toBe(1);
  expect(other.counts).toMatchObject({ accepted: 1, known: 1 });
});

it("takes nothing that another agent signed, that the plan does not ask for, or that is of no open rollout", async () => {
  const { hub, join } = mesh();
  const [liar, other] = [join(0), join(1)];
  await liar.say(wordOf(2));
  await liar.say(wordOf(0, { replica: wordOf(3).replica }));
  await hub.settled();
  expect(other.counts).toMatchObject({ accepted: 0, badSignatures: 1 });
  other.update([], agents);
  await liar.say(wordOf(0));
  await hub.settled();
  expect(other.counts).toMatchObject({ accepted: 0, notNow: 1 });
});

it("refuses the statement of a witness about an interval that has not been", async () => {
  const { hub, join } = mesh();
  const [witness, other] = [join(0), join(1)];
  const target = plan.waves[0]?.replicas.find(({ witnesses }) => witnesses.includes(hosts[0] ?? ""))?.replica ?? "";
  const statement = {
    schema: "witan/witness-statement/1",
    directive: plan.directive,
    witness: hosts[0] ?? "",
  } as const;
  await witness.say({ ...statement, interval: 1_000_000, seen: [sighting(plan, target)] });
  await hub.settled();
  expect(other.held(plan.directive)?.evidence.all().statements).toEqual([]);
  expect(other.counts).toMatchObject({ accepted: 0, notNow: 1 });
});

it("gets a node that starts again what others hold, also of authors that are gone", async () => {
  const { clock, hub, join } = mesh();
  const [author, holder] = [join(0), join(1)];
  await author.say(wordOf(0));
  await hub.settled();
  author.stop();
  const late = join(2);
  await late.tick(hosts[2]);
  await hub.settled();
  await clock.pass(5_000);
  await holder.tick(hosts[1]);
  await hub.settled();
  expect(late.held(plan.directive)?.evidence.all().reports).toEqual([wordOf(0)]);
});

it("answers one host once in a while, and rejects what is no statement", async () => {
  const { hub, join } = mesh();
  const holder = join(1);
  const sealed = (body: unknown) => sealEnvelope(operatorKey(0), context, JSON.stringify(body));
  const ask = { schema: "witan/statements-wanted/1", directive: plan.directive, host: hosts[0], at: 0 };
  const peer = hub.peer("node 0");
  for (const body of [ask, ask, { ...ask, at: 100_000 }, { ...ask, directive: hex("e") }, { schema: "other" }])
    await peer.publish(context.topic, await sealed(body));
  await hub.settled();
  expect(holder.counts).toMatchObject({ accepted: 1, overLimit: 1, notNow: 2, malformed: 1 });
});
