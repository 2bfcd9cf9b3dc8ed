/** A world's state as bytes: it goes on from there as if it had never stopped. */
import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import { fieldError } from "@distribution/core/errors";
import type { RandomState } from "./engine/random.ts";
import type { WorldDomain } from "./names.ts";
import { damaged, identityText, type WorldIdentity } from "./options.ts";
import type { WorldState } from "./state.ts";

/** Goes up with every change of what a world remembers or does: an old state does not lead to the same events. */
const FORMAT = 1;
const CHECKSUM_BYTES = 4;

export interface Saved {
  readonly random: RandomState;
  readonly state: WorldState;
}

interface Record extends Saved {
  readonly format: number;
  readonly identity: string;
  readonly domains: string;
}

/** A CRC-32 and what follows it, in the structured clone format of V8, which keeps bigints, maps and who refers to whom. */
export function saveWorld(identity: WorldIdentity, domains: readonly WorldDomain[], saved: Saved): Uint8Array {
  const record: Record = { ...saved, format: FORMAT, identity: identityText(identity), domains: domains.join() };
  const body = serialize(record);
  const bytes = Buffer.alloc(CHECKSUM_BYTES + body.length);
  bytes.writeUInt32BE(crc32(body));
  body.copy(bytes, CHECKSUM_BYTES);
  return bytes;
}

/**
 * Throws `record_damaged` on bytes that are no state or of another version, `invalid_request` at `world.state` on the state
 * of another world.
 */
export function restoreWorld(identity: WorldIdentity, domains: readonly WorldDomain[], bytes: Uint8Array): Saved {
  // A copy of its own: payloads that the state holds stay in the buffer they are read from.
  const whole = Buffer.from(bytes);
  const body = whole.subarray(CHECKSUM_BYTES);
  if (body.length === 0 || whole.readUInt32BE() !== crc32(body))
    throw damaged("The saved state of the world is damaged.", "Start the world anew without it.");
  const record = deserialize(body) as Record;
  if (record.format !== FORMAT) {
    const what = `The saved state has format ${record.format}; this version reads ${FORMAT}.`;
    throw damaged(what, "Start a new world, with another start.");
  }
  const asked = identityText(identity);
  if (record.identity === asked && record.domains === domains.join()) return record;
  const message = `It is of the world of ${record.identity}, domains ${record.domains}; asked is ${asked}, domains ${domains}.`;
  throw fieldError("invalid_request", "world.state", `${message} Give the same options, or no state.`);
}
