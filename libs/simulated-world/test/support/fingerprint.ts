/** One hash over the bytes of a world's events. Run as a program it prints that of the world whose options it is given as JSON. */
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import { Event } from "@distribution/proto-types/distribution/v1/event";
import { createWorld, type WorldEvent } from "../../src/index.ts";
import { take } from "./worlds.ts";

export const bytesOf = ({ event }: WorldEvent): Uint8Array => Event.encode(event).finish();

export function fingerprint(events: readonly WorldEvent[]): string {
  const hash = createHash("sha256");
  for (const told of events) {
    hash.update(`${told.at} ${told.topic} ${told.bad ?? ""}`);
    hash.update(bytesOf(told));
  }
  return hash.digest("hex");
}

const [, program = "", text] = process.argv;
if (text !== undefined && import.meta.url === pathToFileURL(program).href) {
  const { startNs, count, ...options } = JSON.parse(text);
  process.stdout.write(fingerprint(take(createWorld({ ...options, startNs: BigInt(startNs) }), count).slice(0, count)));
}
