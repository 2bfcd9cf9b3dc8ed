/** Lines of a stream, gathered into batches: full ones while input is there, and what there is as soon as it pauses. */
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

/** Input that pauses this long is sent as it is, ms. */
const IDLE_MS = 20;
/** A request stays well below the services' 4 MiB. Characters. */
const MOST_CHARACTERS = 1024 * 1024;

/** Lines with something on them. A failure of the stream is thrown. */
export async function* linesOf(input: Readable): AsyncGenerator<Line> {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  input.once("error", failed.reject);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  for (let number = 1; ; number += 1) {
    const next = await Promise.race([lines.next(), failed.promise]);
    if (next.done) break;
    if (next.value.trim() !== "") yield { text: next.value, number };
  }
  // A file that can't be opened ends its lines before it tells why.
  await Promise.race([failed.promise, new Promise((resolve) => setImmediate(resolve))]);
}

export async function* batchesOf(lines: AsyncGenerator<Line>, most: number): AsyncGenerator<readonly Line[]> {
  let next = lines.next();
  for (;;) {
    const first = await next;
    if (first.done) return;
    const batch = [first.value];
    let characters = first.value.text.length;
    next = lines.next();
    while (batch.length < most && characters < MOST_CHARACTERS) {
      const line = await within(next, IDLE_MS);
      if (line === undefined || line.done) break;
      batch.push(line.value);
      characters += line.value.text.length;
      next = lines.next();
    }
    yield batch;
  }
}

/** Undefined: it takes longer. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
