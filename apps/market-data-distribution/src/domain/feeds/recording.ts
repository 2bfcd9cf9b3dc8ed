/** Recordings: gzipped lines of JSON, read as a stream with every line bounded. */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { DistributionError } from "@distribution/core/errors";

export interface RecordedLine {
  /** Counts from 1. */
  readonly line: number;
  /** Absent: the line is longer than the bound and was skipped. */
  readonly text?: string;
  /** Bytes without the line break. */
  readonly bytes: number;
}

/** Longest line taken, bytes. The longest of the sample recordings has 708,973. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

const LINE_FEED = 10;

/**
 * The lines of a gzipped file, a chunk of the file at a time. Memory: one chunk and one line, whatever the file holds.
 * Rejects with `not_found` when there is no such file, with `record_damaged` when it is cut off or no gzip.
 */
export async function* readRecording(path: string, maxLineBytes = MAX_LINE_BYTES): AsyncGenerator<RecordedLine> {
  const file = createReadStream(path);
  const chunks = createGunzip();
  file.on("error", (failure) => chunks.destroy(failure));
  file.pipe(chunks);
  try {
    yield* splitLines(chunks, maxLineBytes);
  } catch (failure) {
    throw readError(path, failure);
  } finally {
    file.destroy();
    chunks.destroy();
  }
}

async function* splitLines(chunks: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<RecordedLine> {
  let line = 0;
  /** Parts of the line that is not finished; dropped when it grows over the bound, while `bytes` counts on. */
  let parts: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer): void => {
    bytes += part.length;
    if (bytes <= maxLineBytes) parts.push(part);
    else parts = [];
  };
  const finish = (): RecordedLine => {
    line += 1;
    const done = bytes > maxLineBytes ? { line, bytes } : { line, bytes, text: Buffer.concat(parts).toString("utf8") };
    parts = [];
    bytes = 0;
    return done;
  };

  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      yield finish();
    }
    if (start < chunk.length) add(chunk.subarray(start));
  }
  if (bytes > 0) yield finish();
}

function readError(path: string, failure: unknown): DistributionError {
  const missing = (failure as NodeJS.ErrnoException).code === "ENOENT";
  return missing
    ? new DistributionError("not_found", `There is no recording ${path}.`, { cause: failure })
    : new DistributionError("record_damaged", `The recording ${path} cannot be read to its end.`, { cause: failure });
}
