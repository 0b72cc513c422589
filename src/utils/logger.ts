/** Values that accompany a log message. Secrets never do. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export const LogLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LogLevels)[number];

/** A logger that writes one JSON object a line: `time`, `level`, `message`, then the fields. */
export function createLogger(level: LogLevel, write: (line: string) => void, base: LogFields = {}): Logger {
  const threshold = LogLevels.indexOf(level);
  const at =
    (name: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LogLevels.indexOf(name) < threshold) return;
      write(JSON.stringify({ time: new Date().toISOString(), level: name, message, ...base, ...fields }, plain));
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return value.message;
  return value;
}
