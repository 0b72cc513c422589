import type { Address } from "../../../src/records/index.js";
import { incidentOf, stateOf, type TestDao } from "../dao.js";

/** The account of the node `index`. */
export function accountOf(dao: TestDao, index: number): Address {
  return dao.client(index).account as Address;
}

/** An incident to anchor. */
export function incidentRecord(subject: string) {
  return { kind: "Incident", value: incidentOf(subject) } as const;
}

/** A state of the node `index` to anchor. */
export function stateRecord(dao: TestDao, index: number, cycle = 1) {
  return { kind: "State", value: stateOf(accountOf(dao, index), cycle) } as const;
}
