/** What ingress could not take, as events of `<service>.dead-letters`: where the record lies, why it was refused, and the record itself. */
import { createHash } from "node:crypto";
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import type { ForeignRecord } from "../brokers/contract.ts";
import type { DistributionError } from "../errors.ts";
import { ENVELOPE_LIMITS } from "../events/index.ts";
import type { TopicDefinition } from "../topics.ts";
import type { RecordPlace } from "./contract.ts";

export interface DeadLetter extends RecordPlace {
  readonly record: ForeignRecord;
  /** Which of the record's events, when it holds several. */
  readonly index: number;
  readonly error: DistributionError;
}

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
/** Bytes of a value, and of all headers together, that a letter carries. The record's position tells where the rest is. */
const KEPT_BYTES = 256 * 1024;
const KEPT_HEADER_BYTES = 64 * 1024;
/** What a header takes beside its name and value. */
const HEADER_FRAME = 24;
/** Of what a mapping or a rule says, characters. */
const KEPT_TEXT = 1_000;

export const deadLetterType = (service: string): string => `${service}.dead-letters.record.v1`;

export function deadLettersTopic(service: string): TopicDefinition {
  return {
    name: `${service}.dead-letters`,
    description:
      "Records of ingress topics that are no events, or that were refused for good, with the reason. JSON payloads.",
    partitions: 1,
    retention: { ms: 30 * DAY_MS, bytes: 1024 * MIB },
    compaction: false,
    internal: true,
    eventTypes: [
      {
        type: deadLetterType(service),
        class: EventClass.ALERT,
        description:
          "{topic, partition, epoch, offset, index, code, message, path, time, key, headers[], value, valueBytes}: a record of an ingress topic that was not taken. Bytes are base64; of a long value the first 256 KiB; nothing of a record that is too large even so.",
        key: "the ingress topic and partition: topic/partition",
      },
    ],
    ringBytes: 2 * MIB,
  };
}

/** The same letter has the same id, however often its record is read. "place": without what the record's writer sent. */
export function deadLetterEvent(service: string, letter: DeadLetter, parts: "all" | "place" = "all"): Event {
  const { topic, partition, record, index, error } = letter;
  const { epoch, offset, value } = record;
  const { source, id } = letterName(service, letter);
  const whole = parts === "all";
  return Event.create({
    ...{ source, id },
    type: deadLetterType(service),
    // Not the time of reading: a letter that is written again after a crash is the same event.
    time: record.time,
    key: `${topic}/${partition}`,
    class: EventClass.ALERT,
    contentType: "application/json",
    data: Buffer.from(
      JSON.stringify({
        ...{ topic, partition, epoch, offset, index },
        ...{ code: error.code, message: kept(error.message), path: kept(error.errors[0]?.path ?? "") },
        time: String(record.time),
        key: whole && record.key ? base64(record.key) : undefined,
        headers: whole ? keptHeaders(record.headers) : [],
        value: whole && value ? base64(value.subarray(0, KEPT_BYTES)) : undefined,
        valueBytes: value?.length ?? 0,
      }),
    ),
  });
}

/** What a letter about this event of the record is known by. */
export function letterName(
  service: string,
  { topic, partition, record, index }: Omit<DeadLetter, "error">,
): { readonly source: string; readonly id: string } {
  const { epoch, offset } = record;
  return { source: `/${service}/ingress`, id: idOf(`${topic}/${partition}/${epoch}/${offset}/${index}`) };
}

/** A topic's name may be nearly as long as an id. */
const idOf = (place: string): string =>
  Buffer.byteLength(place) <= ENVELOPE_LIMITS.id ? place : createHash("sha256").update(place).digest("hex");

const kept = (text: string): string => text.slice(0, KEPT_TEXT);

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

function keptHeaders(headers: ForeignRecord["headers"]): { name: string; value: string }[] {
  let room = KEPT_HEADER_BYTES;
  return headers.flatMap(([name, value]) => {
    room -= HEADER_FRAME + name.length + value.length;
    return room < 0 ? [] : [{ name, value: base64(value) }];
  });
}
