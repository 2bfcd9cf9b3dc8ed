/** Recordings written for one test. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { testFolder } from "@distribution/testkit/service";

/** A file with these bytes in a folder of its own, gone after the test. */
export function temporaryFile(bytes: Uint8Array): string {
  const path = join(testFolder(), "recording.ndjson.gz");
  writeFileSync(path, bytes);
  return path;
}

export const recordingOf = (lines: readonly string[]): string =>
  temporaryFile(gzipSync(lines.map((line) => `${line}\n`).join("")));

/** A line as recorded; `seconds` after 2021-04-17T16:43:37Z. */
export const line = (seconds: number, message: object): string =>
  `{"receivedAt":${(1_618_677_817 + seconds).toFixed(3)},"message":${JSON.stringify(message)}}`;

export const match = (tradeId: number, price = "10", product = "YFI-BTC") => ({
  type: "match",
  trade_id: tradeId,
  side: "sell",
  size: "1",
  price,
  product_id: product,
  sequence: tradeId,
  time: "2021-04-17T16:43:37.000000Z",
});
