/** Event classes as people write them. */
import { EventClass } from "@distribution/proto-types/distribution/v1/event";

const CLASSES = {
  "": EventClass.UNSPECIFIED,
  quote: EventClass.QUOTE,
  trade: EventClass.TRADE,
  order: EventClass.ORDER,
  alert: EventClass.ALERT,
  state: EventClass.STATE,
  book: EventClass.BOOK,
} as const;

/** Decides how an event may be treated: only quotes may be conflated without being asked for. "": not stated. */
export type EventClassName = keyof typeof CLASSES;

const NAMES: ReadonlyMap<string, EventClassName> = new Map(
  Object.entries(CLASSES).map(([name, value]) => [value, name as EventClassName]),
);

export const eventClassOf = (name: string): EventClass | undefined =>
  Object.hasOwn(CLASSES, name) ? CLASSES[name as EventClassName] : undefined;

/** "" also for a class that this version does not know. */
export const nameOfEventClass = (value: EventClass): EventClassName => NAMES.get(value) ?? "";
