/** What records are made of on their way in: an event, or the reason why there is none. */
import type { ForeignRecord } from "../brokers/contract.ts";
import { DistributionError } from "../errors.ts";
import { createEnvelope, decodeEvent, EVENT_FIELD, encodeEvent, messageAt } from "../events/index.ts";
import type { IngressTopic, RecordPlace } from "./contract.ts";
import { letterName } from "./dead-letters.ts";
import { nameOf } from "./recollect.ts";

/** One event of a record. */
export interface Entry {
  readonly record: ForeignRecord;
  /** Its place in the record. */
  readonly index: number;
  readonly made: { readonly message: Uint8Array } | { readonly refusal: DistributionError };
}

export function entriesOf(record: ForeignRecord, form: IngressTopic["form"], place: RecordPlace): readonly Entry[] {
  try {
    return messagesOf(record, form, place).map((message, index) => ({ record, index, made: { message } }));
  } catch (failure) {
    return [{ record, index: 0, made: { refusal: reasonOf(failure) } }];
  }
}

function messagesOf(record: ForeignRecord, form: IngressTopic["form"], place: RecordPlace): readonly Uint8Array[] {
  if (record.damage !== undefined) throw new DistributionError("record_damaged", record.damage);
  if (form !== "events") return [encodeEvent(form(record, place))];
  const batch = record.events();
  if (batch.count === 1) return [keyed(messageAt(batch, 0), record.key)];
  return Array.from({ length: batch.count }, (_, index) => messageAt(batch, index));
}

/** A writer of CloudEvents may say the key by the record's alone. */
function keyed(message: Uint8Array, key: Uint8Array | undefined): Uint8Array {
  if (key === undefined || key.length === 0) return message;
  const event = decodeEvent(message);
  return event.key === "" ? encodeEvent({ ...event, key: Buffer.from(key).toString("utf8") }) : message;
}

/** A mapping may throw anything; to its writer it is one thing: this record is no event. */
function reasonOf(failure: unknown): DistributionError {
  if (failure instanceof DistributionError) return failure;
  const message = failure instanceof Error ? failure.message : String(failure);
  return new DistributionError("invalid_event", `The record's mapping failed: ${message}`, { cause: failure });
}

/** What it would be known by in the service's log: as an event, or as the dead letter about it. */
export function namesOf(service: string, place: RecordPlace, { record, index, made }: Entry): readonly string[] {
  const letter = nameOf(letterName(service, { ...place, record, index }));
  if ("refusal" in made) return [letter];
  const envelope = createEnvelope();
  try {
    envelope.read(made.message, 0, made.message.length);
  } catch {
    // No event: ingest will refuse it.
    return [letter];
  }
  return [letter, nameOf({ source: envelope.text(EVENT_FIELD.source), id: envelope.text(EVENT_FIELD.id) })];
}
