import { Event } from "@distribution/proto-types/distribution/v1/event";
import { createPayloadCodec, invalidEvent, parseJson } from "../events/index.ts";
import type { PlainRecords, RecordMapping } from "./contract.ts";

/** A mapping for records that carry a payload and nothing else: the rest of the event is said here, or lies in the payload. */
export function plainRecords({ type, source, contentType, message, id, key }: PlainRecords): RecordMapping {
  const toJson = jsonReader(contentType, message);
  const wanted = id !== undefined || key !== undefined;
  return (record, { topic, partition }) => {
    const { value } = record;
    if (value === undefined)
      throw invalidEvent("value", "The record has none; only records with a payload are events.");
    const payload = wanted ? toJson(value) : undefined;
    return Event.create({
      ...{ type, source, contentType },
      id: id === undefined ? `${topic}/${partition}/${record.epoch}/${record.offset}` : textAt(payload, id),
      key: key === undefined ? Buffer.from(record.key ?? []).toString("utf8") : textAt(payload, key),
      time: record.time,
      data: Buffer.from(value),
    });
  };
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function jsonReader(contentType: string, message: PlainRecords["message"]): (value: Uint8Array) => unknown {
  if (contentType === "application/json") {
    return (value) => parseJson(utf8.decode(value), "value");
  }
  if (message === undefined) return () => undefined;
  const codec = createPayloadCodec(message);
  return (value) => JSON.parse(codec.toJson(value)) as unknown;
}

/** The text, or the whole number, at a path of the payload. */
function textAt(payload: unknown, path: string): string {
  let found = payload;
  for (const member of path.split(".")) {
    found =
      found !== null && typeof found === "object" && Object.hasOwn(found, member)
        ? Reflect.get(found, member)
        : undefined;
  }
  if (typeof found === "string" && found !== "") return found;
  if (Number.isSafeInteger(found)) return String(found);
  const what = found === undefined ? "missing" : `${JSON.stringify(found).slice(0, 40)}`;
  throw invalidEvent(
    `value.${path}`,
    `It is ${what}; the mapping needs text there, or a whole number of at most 15 digits.`,
  );
}
