import { expect, it } from "vitest";
import { createLogger, type LogLevel } from "../../src/utils/logger.js";
import { DECEPTIVE } from "../faults/hostileText.js";

function open(level: LogLevel = "info", base = {}) {
  const lines: string[] = [];
  const logger = createLogger(level, (line) => lines.push(line), base, { now: () => 0 });
  return { logger, lines, entries: () => lines.map((line) => JSON.parse(line)) };
}

it("logs one JSON object a line, from its level up", () => {
  const { logger, lines } = open("info", { node: "a" });
  logger.debug("not shown");
  logger.info("shown", { gas: 12n, error: new Error("why") });
  expect(lines).toEqual([
    '{"level":"info","time":"1970-01-01T00:00:00.000Z","message":"shown","node":"a","gas":"12","error":"why"}',
  ]);
});

it("lets no text of others reach the terminal as anything but text, and keeps it exact", () => {
  const { lines, entries } = open();
  const texts = Object.values(DECEPTIVE);
  createLogger("info", (line) => lines.push(line)).warn(texts.join("|"), { texts });
  expect(lines.join()).not.toMatch(/[\p{Cc}\p{Cs}\u200b\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e0fff}]/u);
  expect(entries()[0]).toMatchObject({ message: texts.join("|"), texts });
});

it("changes its level while it runs", () => {
  const { logger, entries } = open("silent");
  logger.error("one");
  logger.level = "debug";
  logger.debug("two");
  logger.level = "error";
  logger.warn("three");
  expect([logger.level, entries().map(({ message }) => message)]).toEqual(["error", ["two"]]);
});

it("lets no secret through, under its name at any depth or in a URL", () => {
  const { logger, lines, entries } = open();
  const secret = "hunter2hunter2";
  logger.warn(`cannot reach https://user:${secret}@rpc.example/v1`, {
    password: secret,
    config: { rpc: { authorization: `Bearer ${secret}`, urls: [`wss://:${secret}@rpc.example`] }, privateKey: secret },
    mnemonic: secret.split(""),
    error: new Error(`fetch of http://${secret}@rpc.example failed`),
    blsKey: new TextEncoder().encode(secret),
  });
  expect(lines.join()).not.toContain(secret);
  expect(entries()[0]).toMatchObject({
    message: "cannot reach https://[redacted]@rpc.example/v1",
    password: "[redacted]",
    mnemonic: "[redacted]",
    blsKey: "[redacted]",
  });
});
