/** A service that takes events as a real one does, knows them again, and fails as the test says. */
import { DistributionError } from "@distribution/core/errors";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import type { Held, Publish } from "../../src/index.ts";
import { WORLD_EVENT_TYPES } from "../../src/index.ts";

const TYPES: readonly string[] = Object.values(WORLD_EVENT_TYPES).flatMap((types) => Object.values(types));

export interface FakeService {
  readonly publish: Publish;
  /** Of the whole log, whatever the time. */
  readonly held: Held;
  /** As a service does that was away for longer than it knows events again. */
  forget(): void;
  /** What is durable, by topic, in order. */
  readonly log: Map<string, Event[]>;
  /** Events that it refused, each once. */
  readonly refused: Set<string>;
  /** Sizes of the publishes it saw. */
  readonly batches: number[];
  /** Called before a batch is taken; what it throws or rejects with is the answer. */
  before: (topic: string, events: readonly Event[]) => Promise<void> | void;
  readonly duplicates: number;
}

export function createFakeService(): FakeService {
  const log = new Map<string, Event[]>();
  const known = new Map<string, bigint>();
  const underWay = new Set<string>();
  const batches: number[] = [];
  const refused = new Set<string>();
  let duplicates = 0;

  const refuse = (events: readonly Event[]): void => {
    for (const [index, { id, type, time }] of events.entries()) {
      const before = known.get(id);
      const first = events.findIndex((event) => event.id === id);
      const body = `${id} ${type} ${time}`;
      const conflict = (before !== undefined && before !== time) || first < index;
      if (!conflict && TYPES.includes(type)) continue;
      refused.add(body);
      throw conflict ? refusal("event_conflict", index, "id") : refusal("invalid_event", index, "type");
    }
  };

  const service = {
    log,
    batches,
    refused,
    before: () => undefined,
    get duplicates() {
      return duplicates;
    },
    held: async (topic: string) => new Set((log.get(topic) ?? []).map(({ id }) => id)),
    forget: () => known.clear(),
    async publish(topic: string, events: readonly Event[]) {
      if (underWay.has(topic)) throw new Error(`Two publishes of ${topic} at a time.`);
      underWay.add(topic);
      batches.push(events.length);
      try {
        await service.before(topic, events);
        refuse(events);
        const fresh = events.filter(({ id }) => !known.has(id));
        for (const { id, time } of fresh) known.set(id, time);
        log.set(topic, [...(log.get(topic) ?? []), ...fresh]);
        duplicates += events.length - fresh.length;
        return { duplicates: events.length - fresh.length };
      } finally {
        underWay.delete(topic);
      }
    },
  } as FakeService & { before: FakeService["before"] };
  return service;
}

export const refusal = (code: "event_conflict" | "invalid_event", index: number, field: string): DistributionError =>
  new DistributionError(code, "No.", { errors: [{ path: `events[${index}].${field}`, message: "No." }] });
