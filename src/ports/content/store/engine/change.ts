/** A change of one key; a batch of them is written in one step. */
export type DatabaseChange =
  | { readonly type: "put"; readonly key: string; readonly value: Uint8Array }
  | { readonly type: "del"; readonly key: string };

/** What is noted of a change beside the database: the key with its value, the key alone, or nothing. */
export type Remembered = "value" | "key" | "nothing";
