/** How entries come in when what becomes of a publish is not known for long, or is known to be nobody's fault. */
import { Event, EventClass } from "@distribution/proto-types/distribution/v1/event";
import { expect, test } from "vitest";
import { DistributionError } from "../../src/errors.ts";
import { decodeEvent, encodeEvent, messageAt } from "../../src/events/index.ts";
import type { Entry } from "../../src/ingress/entries.ts";
import { Taking, type TakingHost } from "../../src/ingress/taking.ts";

const entryOf = (id: string): Entry => ({
  index: 0,
  record: {
    ...{ epoch: "e", offset: id, key: undefined, headers: [], value: undefined, time: 0n },
    events: () => expect.unreachable(),
  },
  made: { message: encodeEvent(Event.create({ id, source: "/oms", type: "t.v1", class: EventClass.TRADE })) },
});

/** `refuse` says what a publish of these ids fails with. */
function hostOf(refuse: (ids: readonly string[]) => DistributionError | undefined) {
  const log: string[] = [];
  const buried: string[] = [];
  let now = 0;
  const host: TakingHost & { inLog: ReadonlySet<string>; isStopped: boolean } = {
    inLog: new Set(),
    isStopped: false,
    nowMs: () => now,
    announce: async () => undefined,
    async publish(batch) {
      const ids = Array.from({ length: batch.count }, (_, index) => decodeEvent(messageAt(batch, index)).id);
      const failure = refuse(ids);
      if (failure) throw failure;
      log.push(...ids);
    },
    bury: async ({ record }) => void buried.push(record.offset),
    missing: async (entries) => entries.filter(({ record }) => !host.inLog.has(record.offset)),
    async rest() {
      now += 5_000;
    },
    goesOn: () => undefined,
  };
  return { host, log, buried, now: () => now };
}

test("what became durable though it was refused is looked up, before ingest can have forgotten it", async () => {
  const { host, log, now } = hostOf(() =>
    now() < 180_000 ? new DistributionError("unavailable", "Some partitions did not answer.") : undefined,
  );
  host.inLog = new Set(["b"]);
  expect(await new Taking(host).run(["a", "b", "c"].map(entryOf))).toBe(true);
  expect(log).toEqual(["a", "c"]);
});

test("of many, those that fail by a defect are found by halves, in order, and no others are given up", async () => {
  const { host, log, buried } = hostOf((ids) =>
    ids.some((id) => id === "7" || id === "300") ? new DistributionError("internal", "A defect.") : undefined,
  );
  const ids = Array.from({ length: 400 }, (_, at) => String(at));
  expect(await new Taking(host).run(ids.map(entryOf))).toBe(true);
  expect(log).toEqual(ids.filter((id) => id !== "7" && id !== "300"));
  expect(buried).toEqual(["7", "300"]);
});

test("a stop ends the tries", async () => {
  const { host } = hostOf(() => {
    host.isStopped = true;
    return new DistributionError("unavailable", "Away.");
  });
  expect(await new Taking(host).run([entryOf("a")])).toBe(false);
});
