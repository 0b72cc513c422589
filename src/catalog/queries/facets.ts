import {
  type Address,
  type Hex,
  type Incident,
  incidentFingerprint,
  type Model,
  NamedStates,
  type Outcome,
  type RecordKind,
  type RecordValue,
  Severities,
  type State,
} from "../../records/index.js";

/** What a record can be asked for by, beside its kind and author. */
export interface Facets {
  /** Index in {@link Severities}. */
  readonly severity: number | null;
  /** Index in {@link NamedStates}. */
  readonly state: number | null;
  readonly round: number | null;
  /** Of a model. */
  readonly name: string | null;
  readonly fingerprint: Hex | null;
  /** Of an incident: whether it reports one, rather than closes one. */
  readonly observed: boolean | null;
  /** What it speaks of, each once. */
  readonly subjects: readonly string[];
  /** What people may search for; null if nothing was written for people. */
  readonly text: string | null;
  /** The only node that may say so; null if anybody may. */
  readonly speaker: Address | null;
}

const none: Facets = {
  severity: null,
  state: null,
  round: null,
  name: null,
  fingerprint: null,
  observed: null,
  subjects: [],
  text: null,
  speaker: null,
};

const facetsByKind: { readonly [Kind in RecordKind]: (value: RecordValue<Kind>) => Facets } = {
  State: ({ node, state }: State) => ({ ...none, state: NamedStates.indexOf(state), speaker: node }),
  Incident: (incident: Incident) => {
    const { kind, severity, subject, observed, detection, resolution } = incident;
    const words = [kind, subject, ...Object.entries(observed).flat(), detection.probe, detection.threshold ?? ""];
    return {
      ...none,
      severity: Severities.indexOf(severity),
      fingerprint: incidentFingerprint(incident),
      observed: resolution === null,
      subjects: [subject],
      text: words.map(String).join("\n"),
    };
  },
  Model: ({ name, round, evaluation }: Model) => ({
    ...none,
    round,
    name,
    subjects: [`model/${name}`],
    text: [name, evaluation?.dataset ?? ""].join("\n"),
  }),
  Outcome: ({ result, detail }: Outcome) => ({
    ...none,
    subjects: [...new Set(detail.map(({ subject }) => subject))],
    text: [result, ...detail.flatMap(({ subject, note }) => [subject, note])].join("\n"),
  }),
};

/** The facets of a record: a function of what it says alone. */
export function facetsOf<Kind extends RecordKind>(kind: Kind, value: RecordValue<Kind>): Facets {
  return facetsByKind[kind](value);
}
