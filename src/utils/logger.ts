import { pino } from "pino";
import { type Clock, systemClock } from "./clock.js";
import { redact } from "./redact.js";
import { printableJson } from "./text/printable.js";

/** Values that accompany a log message. Secrets among them are redacted. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** A logger whose level can be changed while it runs. */
export interface LeveledLogger extends Logger {
  level: LogLevel;
}

export const LogLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LogLevels)[number];

/**
 * A logger that writes one JSON object a line: `level`, `time`, `message`, then the fields. A line is written before the
 * call returns, so that the last words of a process that dies are not lost. Texts of others in it are harmless on a terminal.
 *
 * @param write Gets each line, without its line break.
 * @param base Fields of every line.
 */
export function createLogger(
  level: LogLevel,
  write: (line: string) => void,
  base: LogFields = {},
  clock: Pick<Clock, "now"> = systemClock,
): LeveledLogger {
  const lines = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: (entry) => redact(entry) as Record<string, unknown> },
    },
    { write: (line) => write(printableJson(line.trimEnd())) },
  );
  const logAt =
    (name: Exclude<LogLevel, "silent">) =>
    (message: string, fields: LogFields = {}): void =>
      lines[name]({ message, ...base, ...fields });
  return {
    debug: logAt("debug"),
    info: logAt("info"),
    warn: logAt("warn"),
    error: logAt("error"),
    get level() {
      return lines.level as LogLevel;
    },
    set level(wanted) {
      lines.level = wanted;
    },
  };
}
