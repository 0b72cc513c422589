import { expect, it } from "vitest";
import { createPlacementReader } from "../../../src/client/index.js";
import type { Address, OrderOf } from "../../../src/records/index.js";
import { useChangingDao } from "../../harness/client/daos.js";
import { ban, issue, rotate } from "../../harness/client/directives.js";
import { operatorKey } from "../../harness/deploy.js";
import { consentsOf, successor } from "../../harness/orders.js";
import { suspendSeats } from "../../harness/suspend.js";

const dao = useChangingDao(5);
const host = { labels: {}, addresses: [], slots: 2, draining: false };

it("follows seats that change agents and operators, are suspended, or are taken away, as the client lists them", async () => {
  const reader = createPlacementReader(dao.client());
  const operators = dao.witan.operators.map(({ address }) => address as Address);
  for (const index of operators.keys()) await dao.client(index).describeHost({ host });

  /** The operators of all hosts, and of those that are there, in the order of their nodes. */
  async function agreed(): Promise<readonly [all: Address[], present: Address[]]> {
    const client = dao.client();
    const { hosts } = (await reader.at(await client.chain.blockNumber())).view;
    const listed = await client.listHosts();
    const nodes = await client.listNodes();
    const away = new Set(nodes.flatMap(({ operator, suspended }) => (suspended ? operator : [])));
    expect(hosts.map(({ name, present }) => [name, present])).toEqual(
      listed.map(({ operator }) => [operator, !away.has(operator)]),
    );
    const names = hosts.map(({ name }) => name as Address);
    return [names, names.filter((name) => !away.has(name))];
  }
  const [first, second, third, fourth, fifth] = operators as [Address, Address, Address, Address, Address];
  expect(await agreed()).toEqual([operators, operators]);

  await suspendSeats(dao, 1);
  expect((await agreed())[1]).toEqual([first, third, fourth, fifth]);
  // A new agent is a sign of life. Its node is the last, and keeps the host.
  await rotate(dao, 1, "second agent");
  expect((await agreed())[1]).toEqual([first, third, fourth, fifth, second]);

  await dao.client(2).revokeAgent();
  expect((await agreed())[0]).toEqual([first, fourth, fifth, second]);
  await rotate(dao, 2, "third agent");
  expect((await agreed())[0]).toEqual([first, fourth, fifth, second, third]);

  const order: OrderOf<"ChangeOperator"> = {
    ...{ kind: "ChangeOperator", from: operatorKey(3).address as Address },
    to: successor.address as Address,
  };
  // A seat whose operator is its own agent cannot go to another operator.
  await rotate(dao, 3, "fourth agent", operatorKey("fourth agent").address as Address);
  expect((await agreed())[0]).toEqual([first, fifth, second, third, fourth]);
  const { nonce } = await dao.client().getSeat({ operator: fourth });
  await issue(dao, { order, consents: consentsOf(dao, order, nonce) });
  // Who has taken the seat over describes a host of its own.
  expect((await agreed())[0]).toEqual([first, fifth, second, third]);

  await ban(dao, 4);
  expect((await agreed())[0]).toEqual([first, second, third]);
});
