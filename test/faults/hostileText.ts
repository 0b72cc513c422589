import fc from "fast-check";

/*
 * Texts and bytes as nobody honest sends them. Every door through which others' text comes in (see doors.test.ts) and every place
 * that prints it is tried with them.
 */

/** Bytes that are not UTF-8, by what is wrong with them. */
export const NOT_UTF8: Readonly<Record<string, Uint8Array>> = {
  "a start byte at the end": Uint8Array.of(0x57, 0x68, 0x79, 0xc3),
  "a byte that never occurs": Uint8Array.of(0xff),
  "an overlong slash": Uint8Array.of(0xc0, 0xaf),
  "a surrogate": Uint8Array.of(0xed, 0xa0, 0x80),
  "beyond the last code point": Uint8Array.of(0xf4, 0x90, 0x80, 0x80),
};

/** Texts that a terminal would obey, or that deceive a reader, by what they do. */
export const DECEPTIVE: Readonly<Record<string, string>> = {
  "clears the screen": "\u001b[2J\u001b[H",
  "fills the clipboard": "\u001b]52;c;cm0gLXJmIH4=\u0007",
  "renames the window": "\u001b]0;owned\u001b\\",
  "the same with C1 control characters": "\u009d0;owned\u009c\u009b2J",
  "writes over its line": "Restart web/3\rBan node/1   ",
  "begins lines of its own": "Scale web\nstate  Executed\r\nstate  Executed",
  "erases what is before it": "web\b\b\b\u007f\u007f",
  "shows its characters in another order": "\u202etxt.exe\u202c \u2066evil\u2069 \u200fabc",
  "hides characters": "adm\u200bin\u00ad\u2060\ufeff\u{e0041}\u{e007f}\u3164",
  "breaks lines as a script does": "one\u2028two\u2029three",
  "has half of a pair": "\ud83d and \udc00",
  "ends at a zero for some": "web\u0000/etc/passwd",
  "is markup": "<img src=x onerror=alert(1)></script><script>alert(1)</script>",
  "stacks marks": `Z${"\u0335\u0341\u0322".repeat(40)}`,
  "has the prototype's names": "__proto__ constructor toString",
};

/** Texts that look odd and are honest: none of their characters may be lost. */
export const HONEST: readonly string[] = [
  "Grüße, naïve façade",
  "e\u0301 decomposed",
  "日本語と한국어",
  "👩‍🚀 👍🏽 ❤️ 🇨🇭 1️⃣",
  "می‌خواهم",
  "क्‍ष",
  "→ “quotes” — …",
];

const codePoints = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength }).map((points) => String.fromCodePoint(...points));

/** Any bytes, those of deceptive texts among them. */
export const anyBytes = (maxLength = 256): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength }),
    codePoints(maxLength).map((text) => new TextEncoder().encode(text)),
    fc.constantFrom(
      ...Object.values(NOT_UTF8),
      ...Object.values(DECEPTIVE).map((text) => new TextEncoder().encode(text)),
    ),
  );

/** Any text that a JavaScript string can hold, lone surrogates included. */
export const anyText = (maxLength = 256): fc.Arbitrary<string> =>
  fc.oneof(
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength }).map((units) => String.fromCharCode(...units)),
    codePoints(maxLength),
    fc.array(fc.constantFrom(...Object.values(DECEPTIVE), ...HONEST), { maxLength: 4 }).map((texts) => texts.join("")),
  );

/** Valid bytes with some replaced, inserted or cut off: what passes the first checks and fails a later one. */
export const damaged = (valid: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc
    .array(fc.record({ at: fc.nat(), put: fc.uint8Array({ maxLength: 4 }), over: fc.nat({ max: 4 }) }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((changes) =>
      changes.reduce((bytes, { at, put, over }) => {
        const from = at % (bytes.length + 1);
        return Uint8Array.from([...bytes.subarray(0, from), ...put, ...bytes.subarray(from + over)]);
      }, valid),
    );
