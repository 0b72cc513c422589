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

/** The properties by which queries find a record, besides its kind and author. */
export interface Facets {
  /** Index in {@link Severities}. */
  readonly severity: number | null;
  /** Index in {@link NamedStates}. */
  readonly state: number | null;
  readonly round: number | null;
  /** The name of a model. */
  readonly name: string | null;
  readonly fingerprint: Hex | null;
  /** Whether an incident record reports an incident, rather than closes it; null for other kinds. */
  readonly observed: boolean | null;
  /** The subjects that it names, each once. */
  readonly subjects: readonly string[];
  /** The words that a search finds it by; null if it has no words for people. */
  readonly text: string | null;
  /** The only node that may write the record; null if any node may. */
  readonly speaker: Address | null;
}

const noFacets: Facets = {
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
  State: ({ node, state }: State) => ({ ...noFacets, state: NamedStates.indexOf(state), speaker: node }),
  Incident: (incident: Incident) => {
    const { kind, severity, subject, observed, detection, resolution } = incident;
    const words = [kind, subject, ...Object.entries(observed).flat(), detection.probe, detection.threshold ?? ""];
    return {
      ...noFacets,
      severity: Severities.indexOf(severity),
      fingerprint: incidentFingerprint(incident),
      observed: resolution === null,
      subjects: [subject],
      text: words.map(String).join("\n"),
    };
  },
  Model: ({ name, round, evaluation }: Model) => ({
    ...noFacets,
    round,
    name,
    subjects: [`model/${name}`],
    text: [name, evaluation?.dataset ?? ""].join("\n"),
  }),
  Outcome: ({ result, detail }: Outcome) => ({
    ...noFacets,
    subjects: [...new Set(detail.map(({ subject }) => subject))],
    text: [result, ...detail.flatMap(({ subject, note }) => [subject, note])].join("\n"),
  }),
};

/** The facets of a record. They depend on its value alone. */
export function facetsOf<Kind extends RecordKind>(kind: Kind, value: RecordValue<Kind>): Facets {
  return facetsByKind[kind](value);
}
