/** The topic of envelopes with a directive's payload (base64 of its block) for a node to store and pin. */
export const PAYLOAD_TOPIC = "payload";

/** The topic of envelopes with a JSON document (base64 of its block) for a node to store and pin. */
export const DOCUMENT_TOPIC = "document";
