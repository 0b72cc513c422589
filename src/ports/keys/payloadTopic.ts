/** The topic of envelopes that hand a directive's payload (base64 of its block) to a node that is to keep it. */
export const PAYLOAD_TOPIC = "payload";
