import { z } from "zod";
import { MAX_ADDRESSES, MAX_LABELS, MAX_SLOTS } from "./bounds.js";
import { distinct } from "./scalars.js";

/** What a host says about itself. It is on chain, so that all nodes place replicas by the same table. */
export interface HostDescriptor {
  readonly schema: "witan/host/1";
  /** Such as `{ zone: "a" }`: what a workload's selector and spread are about. */
  readonly labels: Readonly<Record<string, string>>;
  /** `HOST:PORT` under which other hosts reach it, the best first; IPv6 in brackets. */
  readonly addresses: readonly string[];
  /** How many replicas it runs at most. */
  readonly slots: number;
  /** Whether its replicas move to other hosts, and no new ones come. */
  readonly draining: boolean;
}

/** As in Kubernetes, but for the prefix, which is shorter here: what goes on chain is paid for by the byte. */
const LABEL_KEY = /^([a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;
const ADDRESS = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?):([1-9][0-9]{0,4})$/;
const MAX_PORT = 65_535;

export const labelKey = z.string().regex(LABEL_KEY, "must be a label's name, such as zone");
export const labelValue = z
  .string()
  .regex(LABEL_VALUE, "must be a label's value: letters, digits, dot, dash, underscore");
const hostAddress = z
  .string()
  .regex(ADDRESS, "must be HOST:PORT in lower case, with IPv6 in brackets")
  .refine(
    (text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= MAX_PORT,
    `must have a port of at most ${MAX_PORT}`,
  );

/** What an operator says of a host. */
export const hostParts = {
  labels: z
    .record(labelKey, labelValue)
    .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `must be at most ${MAX_LABELS}`),
  addresses: z
    .array(hostAddress)
    .max(MAX_ADDRESSES)
    .refine((all) => distinct(all), "must name each address once"),
  slots: z.int().min(0).max(MAX_SLOTS),
};

export const hostSchema = z.strictObject({
  schema: z.literal("witan/host/1"),
  ...hostParts,
  draining: z.boolean(),
}) satisfies z.ZodType<HostDescriptor>;
