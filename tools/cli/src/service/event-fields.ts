/** Which fields the events of a topic have: those of every CloudEvent, and those of the payload's schema. */
import type { messageOf } from "@distribution/proto-types/descriptors";
import type { KnownFields } from "../output/field-check.ts";
import { type EventRecord, SHORT_NAMES } from "../record.ts";
import type { Api } from "./api.ts";

type Message = ReturnType<typeof messageOf>;

const ATTRIBUTES = ["id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "sequence", "priority"];
const ALSO = new Set(["specversion", "partitionkey", "eventclass", "ingestedtime", "data", "data_base64"]);
/** Messages that may hold themselves have paths without end. */
const DEEPEST = 4;

/** By the schema of the event's topic; where it has none, by what the event itself holds. */
export async function readEventFields(
  api: Api,
  { position, event }: EventRecord,
  topics: readonly string[],
): Promise<KnownFields> {
  const message = await schemaOf(api, position?.topic ?? topics[0] ?? "");
  const names = [...SHORT_NAMES, ...ATTRIBUTES];
  const payload = message ? pathsOf(message) : pathsIn(event["data"]);
  return {
    names: [...names, ...payload.map((path) => `data.${path}`)],
    has(path) {
      const [first = "", ...rest] = path.split(".");
      if (rest.length === 0) return names.includes(first) || ALSO.has(first);
      return first === "data" && message !== undefined && holds(message, rest);
    },
  };
}

/** Undefined: the topic has none, or this program does not know it. */
async function schemaOf(api: Api, topic: string): Promise<Message | undefined> {
  try {
    const response = await api.get(`/topics/${encodeURIComponent(topic)}`);
    const { payload } = (await response.json()) as { readonly payload: string | null };
    const { messageOf } = await import("@distribution/proto-types/descriptors");
    return payload === null ? undefined : messageOf(payload);
  } catch {
    return undefined;
  }
}

function holds(message: Message, [name, ...rest]: readonly string[]): boolean {
  const field = message.fields.find(({ jsonName }) => jsonName === name);
  if (!field) return false;
  // The next name is an index or a key.
  const below = field.fieldKind === "list" || field.fieldKind === "map" ? rest.slice(1) : rest;
  return below.length === 0 || (field.message !== undefined && holds(field.message, below));
}

function pathsOf(message: Message, depth = 1): string[] {
  return message.fields.flatMap(({ jsonName, fieldKind, message: inner }) =>
    fieldKind === "message" && inner && depth < DEEPEST
      ? pathsOf(inner, depth + 1).map((path) => `${jsonName}.${path}`)
      : [jsonName],
  );
}

function pathsIn(value: unknown, depth = 1): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const below = depth < DEEPEST ? pathsIn(inner, depth + 1) : [];
    return below.length > 0 ? below.map((path) => `${name}.${path}`) : [name];
  });
}
