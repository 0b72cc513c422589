/** The topic of envelopes that hand a directive's payload (base64 of its block) to a node that is to keep it. */
export const PAYLOAD_TOPIC = "payload";

/** The topic of envelopes with a JSON document (base64 of its block) for a node to store and pin. */
export const DOCUMENT_TOPIC = "document";
