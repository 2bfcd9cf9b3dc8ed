/** What the program has of the outside: its streams, its signals, and whether a person looks at them. */
import { once } from "node:events";
import type { Writable } from "node:stream";
import { styleText } from "node:util";
import { EXIT } from "./exit.ts";

/** Colours that are used, for what. */
const STYLES = { key: "cyan", dim: "gray", head: "bold", good: "green", warn: "yellow", bad: "red" } as const;

export type Tone = keyof typeof STYLES;

export interface Terminal {
  /** Resolves when the pipe takes more. After its reader is gone: never rejects, and nothing is written. */
  write(text: string): Promise<void>;
  /** A line for the person, on stderr. */
  say(text: string): void;
  /** Coloured where stdout is a terminal and NO_COLOR is not set. */
  tint(tone: Tone, text: string): string;
  /** The same for stderr. */
  tintNote(tone: Tone, text: string): string;
  readonly isTerminal: boolean;
  /** A line on stderr that is written over, at most five times a second; nothing where stderr is no terminal. */
  progress(text: () => string): void;
  /** Ctrl-C, SIGTERM, or the reader of stdout is gone. */
  readonly signal: AbortSignal;
  /** Whether it was a person who ended it. */
  readonly interrupted: boolean;
}

const PROGRESS_EVERY_MS = 200;
const CLEAR_LINE = "\r\u001B[K";

/** The process, or what stands for it in a test. */
export interface Surroundings {
  readonly stdout: Screen;
  readonly stderr: Screen;
  on(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
  exit(code: number): void;
}

type Screen = Writable & { readonly isTTY?: boolean };

export function createTerminal(surroundings: Surroundings = process): Terminal {
  const { stdout, stderr } = surroundings;
  const controller = new AbortController();
  let readerGone = false;
  let interrupted = false;
  let progressAt = 0;
  let progressShown = false;

  // The reader of a pipe may go at any time, as `head` does: there is nobody to write for, and nothing is wrong.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    readerGone = true;
    controller.abort();
  });
  stderr.on("error", () => undefined);
  const interrupt = (): void => {
    // The second time is somebody who will not wait.
    if (interrupted) surroundings.exit(EXIT.interrupted);
    interrupted = true;
    controller.abort();
  };
  surroundings.on("SIGINT", interrupt);
  surroundings.on("SIGTERM", interrupt);

  const clearProgress = (): void => {
    if (progressShown) stderr.write(CLEAR_LINE);
    progressShown = false;
  };
  return {
    async write(text) {
      if (readerGone) return;
      if (stdout.isTTY) clearProgress();
      if (!stdout.write(text) && !readerGone)
        await Promise.race([once(stdout, "drain"), once(stdout, "close")]).catch(() => undefined);
    },
    say(text) {
      clearProgress();
      stderr.write(`${text}\n`);
    },
    tint: (tone, text) => styleText(STYLES[tone], text, { stream: stdout }),
    tintNote: (tone, text) => styleText(STYLES[tone], text, { stream: stderr }),
    isTerminal: stdout.isTTY === true,
    progress(text) {
      if (!stderr.isTTY || Date.now() - progressAt < PROGRESS_EVERY_MS) return;
      progressAt = Date.now();
      progressShown = true;
      stderr.write(CLEAR_LINE + text());
    },
    signal: controller.signal,
    get interrupted() {
      return interrupted;
    },
  };
}
