import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redactUrl, scrub } from "../../../../src/ports/chain/rpc/redact.js";

describe("an RPC address in a message", () => {
  it.each([
    ["http://127.0.0.1:8545", "http://127.0.0.1:8545"],
    ["https://user:pass@example.org/", "https://example.org"],
    ["https://example.org/v3/abcdef", "https://example.org/…"],
    ["https://example.org?key=abcdef", "https://example.org/…"],
    ["nonsense", "(not a URL)"],
  ])("%s is shown as %s", (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });
});

describe("a server's message about an RPC address", () => {
  const part = fc.stringMatching(/^[g-z]{8,20}$/);

  it("loses every secret part of the address", () => {
    fc.assert(
      fc.property(part, part, part, part, (user, password, path, key) => {
        const url = `https://${user}:${password}@example.org/v3/${path}?key=${key}`;
        const shown = scrub(`401 at ${url}: "${key}" and "${path}" of ${user}:${password} are unknown`, url);
        for (const secret of [user, password, path, key]) expect(shown).not.toContain(secret);
      }),
    );
  });

  it("loses secrets in their decoded form too, and survives a lone percent sign", () => {
    expect(scrub("no key a b/c%", "https://example.org/a%20b%2Fc")).toBe("no key …%");
    expect(scrub("no key 100%zz", "https://example.org/100%zz")).toBe("no key …");
  });

  it("stays as it is if the address holds no secret", () => {
    expect(scrub("busy", "http://127.0.0.1:8545")).toBe("busy");
    expect(scrub("busy", "nonsense")).toBe("busy");
  });
});
