/** Messages of others as the contract's records, whatever lies in them. */
import { fromRecord, NoEventError, PULSAR_BINDING } from "@distribution/broker-common";
import type { ForeignRecord } from "@distribution/core/brokers";
import { fieldError } from "@distribution/core/errors";
import { formatOffset, type Place } from "../offset.ts";
import { type MessagePlace, PortError, type PortMessage } from "../port.ts";

/** The index that everything in an entry is at or before, however many messages it has. */
export const WHOLE_ENTRY = 999_999_999;

const NS_PER_MS = 1_000_000n;

/** Messages count from 1, as events do in topics of our own; 0 is the place before the entry. */
export const placeOf = ({ ledger, entry, batchIndex }: MessagePlace): Place => ({
  ...{ ledger, entry, index: Math.max(batchIndex, 0) + 1 },
});

/** One message, also where what it says of itself cannot be read. */
export function foreignRecord(epoch: string, message: PortMessage): ForeignRecord {
  const place = placeOf(message.place);
  try {
    return readableRecord(epoch, place, message);
  } catch (failure) {
    if (!(failure instanceof PortError)) throw failure;
    return damagedRecord(epoch, place, failure.message, message.data);
  }
}

function readableRecord(epoch: string, place: Place, message: PortMessage): ForeignRecord {
  const key = message.key();
  const properties = message.properties();
  return {
    ...{ epoch, offset: formatOffset(place), value: message.data, time: message.time * NS_PER_MS },
    headers: properties.map(([name, value]) => [name, typeof value === "string" ? Buffer.from(value) : value]),
    key: key === undefined ? undefined : Buffer.from(key),
    events() {
      try {
        return fromRecord({ headers: properties, value: message.data }, PULSAR_BINDING);
      } catch (failure) {
        if (!(failure instanceof NoEventError)) throw failure;
        throw fieldError("invalid_event", "record", failure.message);
      }
    },
  };
}

/** What cannot be taken apart, up to that place. */
export function damagedRecord(
  epoch: string,
  place: Place,
  damage: string,
  data: Uint8Array | undefined,
): ForeignRecord {
  return {
    ...{ epoch, offset: formatOffset(place), key: undefined, headers: [], time: 0n, value: data, damage },
    events() {
      throw fieldError("invalid_event", "record", damage);
    },
  };
}
