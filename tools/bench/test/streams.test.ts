import { createMatcher, parseFilter } from "@distribution/core/subscriptions";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSequenceReader } from "../src/latency/sequence-reader.ts";
import { createFeed, type PayloadForm, tradesTopic } from "../src/service/trades.ts";
import { priceBands } from "../src/way/filters.ts";

test("numbers behind a text are found once each however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(), { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 20 })),
      (sequences, sizes) => {
        const stream = `${sequences.map((sequence) => `{"mark":1,"sequence":${sequence},"x":9}`).join("")}end`;
        const found: number[] = [];
        const read = createSequenceReader('"sequence":', (sequence) => found.push(sequence));
        for (let at = 0; at < stream.length; ) {
          const size = sizes.next().value;
          read(stream.slice(at, at + size));
          at += size;
        }
        expect(found).toEqual(sequences);
      },
    ),
  );
});

test.each<PayloadForm>(["protobuf", "json"])(
  "a feed of %s never repeats an id, and its events meet filters",
  (form) => {
    const feed = createFeed(form, 100, 2);
    const ids = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      for (const { bytes, bounds, count } of feed.next()) {
        for (let index = 0; index < count; index += 1) {
          const event = Buffer.from(bytes.subarray(bounds[2 * index], bounds[2 * index + 1])).toString("latin1");
          ids.add(/t-[0-9a-z]{12}/.exec(event)![0]);
        }
      }
    }
    expect(ids.size).toBe(600);
  },
);

test.each([10, 1_000])("of %i bands of prices an event meets as many as asked for, and no two are equal", (count) => {
  const bands = priceBands(count, 0.5);
  expect(new Set(bands).size).toBe(count);
  const topic = tradesTopic("bands");
  const matcher = createMatcher(topic);
  for (const [id, band] of bands.entries()) matcher.add(id, parseFilter(band, topic), []);
  const out = { ids: new Uint32Array(count), count: 0 };
  let met = 0;
  let events = 0;
  for (const { bytes, bounds, count: size } of createFeed("protobuf", 500, 10).next()) {
    for (let index = 0; index < size; index += 1) {
      matcher.match(bytes, bounds[2 * index]!, bounds[2 * index + 1]!, out);
      met += out.count;
      events += 1;
    }
  }
  // Ten filters of all prices of ten instruments: more than that no event can meet.
  const most = Math.min(0.5, count / 500);
  expect(met / events).toBeGreaterThan(most * 0.8);
  expect(met / events).toBeLessThan(most * 1.2);
});
