/** A line of a service's output as a person reads it: log records become text, everything else stays as it is. */
import type { Tint } from "./screen.ts";

/** What the services' log writes: an object a line (`createLogger` of the core). */
interface LogRecord {
  readonly level: string;
  readonly time: string;
  readonly msg: string;
  readonly err?: { readonly stack?: string };
  readonly [field: string]: unknown;
}

const TONES = { warn: "yellow", error: "red", fatal: "red" } as const;

/** Several lines where the record has a stack. */
export function readableLines(line: string, tint: Tint): readonly string[] {
  const record = parseRecord(line);
  if (!record) return [line];
  const { level, time, msg, err, service: _service, ...fields } = record;
  const stack = err?.stack?.split("\n") ?? [];
  const rest = Object.entries(err && stack.length === 0 ? { ...fields, err } : fields);
  const tone = TONES[level as keyof typeof TONES] ?? "gray";
  const words = [
    tint("gray", time.slice(11, 23)),
    tint(tone, level),
    msg,
    ...rest.map(([name, value]) =>
      tint("gray", `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`),
    ),
  ];
  return [words.join(" "), ...stack];
}

function parseRecord(line: string): LogRecord | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const { level, time, msg } = JSON.parse(line) as Partial<LogRecord>;
    const whole = typeof level === "string" && typeof time === "string" && typeof msg === "string";
    return whole ? (JSON.parse(line) as LogRecord) : undefined;
  } catch {
    return undefined;
  }
}
