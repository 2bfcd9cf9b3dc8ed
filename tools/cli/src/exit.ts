/** How the program ends, and the error that says so. */
import { DistributionClientError } from "@distribution/client";

export const EXIT = {
  ok: 0,
  /** The service refused, or the work broke off. */
  failed: 1,
  /** The command line or the input can't be understood. */
  usage: 2,
  /** No service answered there. */
  unreachable: 3,
  /** Ctrl-C, as shells have it: 128 + SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error whose message is for the one at the keyboard: what, where, and what to do. */
export class CliError extends Error {
  readonly exit: ExitCode;

  constructor(message: string, exit: ExitCode = EXIT.failed, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exit = exit;
  }
}

/** A value of the command line that can't be taken. `name` as the user typed it, for example `--limit`. */
export const usageError = (name: string, message: string): CliError => new CliError(`${name}: ${message}`, EXIT.usage);

export function toCliError(failure: unknown): CliError {
  if (failure instanceof CliError) return failure;
  if (failure instanceof DistributionClientError) {
    const exit = failure.code === "unreachable" ? EXIT.unreachable : EXIT.failed;
    return new CliError(`${failure.code}: ${failure.message}`, exit, failure);
  }
  return new CliError(failure instanceof Error ? failure.message : String(failure), EXIT.failed, failure);
}
