import { Event } from "@distribution/proto-types/distribution/v1/event";
import { describe, expect, it } from "vitest";
import type { Broker } from "../../src/brokers/contract.ts";
import { DistributionError } from "../../src/errors.ts";
import { encodeEvent, packMessages } from "../../src/events/index.ts";
import { cursorsTopic, openCursors } from "../../src/qos/index.ts";
import { ANONYMOUS } from "../../src/security/index.ts";
import { createRecorder, openEmbedded, openSimulated } from "../tail/support.ts";
import { openBench, TRADES } from "../transport/session/support.ts";

const TOPIC = cursorsTopic("test");
const at = (offset: number) => [{ topic: "t", partition: 0, epoch: "e", offset: String(offset) }];

const record = (name: string, data: unknown, more: Partial<Event> = {}): Uint8Array =>
  encodeEvent(
    Event.fromPartial({
      ...{ id: name, source: "/test", type: "distribution.cursor.v1", key: name },
      data: Buffer.from(typeof data === "string" ? data : JSON.stringify(data)),
      ...more,
    }),
  );

const append = async (broker: Broker, topic: string, ...messages: Uint8Array[]): Promise<void> =>
  void (await broker.append([{ topic, partition: 0, batch: packMessages(messages) }]));

/** Cursors of a log with these records. */
async function open(messages: readonly Uint8Array[], behind: (broker: Broker) => Broker = (broker) => broker) {
  const { runtime, broker } = openSimulated();
  await broker.admin.ensureTopic(TOPIC);
  const appended = append(broker, TOPIC.name, ...messages);
  await runtime.run(10);
  await appended;
  const logger = createRecorder();
  const cursors = await openCursors({ broker: behind(broker), topic: TOPIC, runtime, logger, service: "test" });
  return { cursors, logger };
}

describe("durable cursors of a log with a record that is none", () => {
  it.each([
    ["no JSON", "{"],
    ["no list", {}],
    ["a list of something else", [{ topic: "t" }]],
    ["a partition that is none", [{ ...at(1)[0], partition: -1 }]],
    ["an offset that is none", [{ ...at(1)[0], offset: "first" }]],
  ])("name it in the log and know all the others: %s", async (_, data) => {
    const { cursors, logger } = await open([record("me/a", at(1)), record("me/bad", data), record("me/c", at(3))]);
    expect(["me/a", "me/bad", "me/c"].map((name) => cursors.load(name))).toEqual([at(1), undefined, at(3)]);
    expect(["me/a", "me/bad", "me/c", "me/new"].map((name) => cursors.lost(name))).toEqual([false, true, false, false]);
    expect(logger.lines).toMatchObject([
      { level: "error", fields: { topic: TOPIC.name, name: "me/bad", offset: "1" } },
    ]);
    expect(JSON.stringify(logger.lines[0]!.fields)).toContain("why");
  });

  it("go on from the record before it, or the one after it", async () => {
    const { cursors } = await open([
      record("me/a", at(1)),
      record("me/a", "{"),
      record("me/b", "{"),
      record("me/b", at(2)),
    ]);
    expect([cursors.load("me/a"), cursors.load("me/b")]).toEqual([at(1), at(2)]);
    expect([cursors.lost("me/a"), cursors.lost("me/b")]).toEqual([false, false]);
  });

  it("are lost when the name was forgotten and then used again", async () => {
    const forgotten = record("me/a", "", { data: undefined });
    const { cursors } = await open([record("me/a", at(1)), forgotten, record("me/a", "{")]);
    expect([cursors.load("me/a"), cursors.lost("me/a")]).toEqual([undefined, true]);
  });

  it("pass over what is no event, and what is of another type", async () => {
    const foreign = record("me/b", at(7), { type: "other.v1" });
    const { cursors, logger } = await open([record("me/a", at(1)), Buffer.from([0xff, 0xff]), foreign]);
    expect([cursors.load("me/a"), cursors.load("me/b"), cursors.lost("me/b")]).toEqual([at(1), undefined, false]);
    expect(logger.lines.map(({ fields }) => (fields as { offset: string }).offset)).toEqual(["1", "2"]);
  });

  it("are lost no longer once the name was saved anew", async () => {
    const { cursors } = await open([record("me/bad", "{")]);
    cursors.save("me/bad", at(5));
    expect([cursors.load("me/bad"), cursors.lost("me/bad")]).toEqual([at(5), false]);
  });

  it.each([
    { records: 99, lines: 99 },
    { records: 100, lines: 100 },
    { records: 101, lines: 101 },
    { records: 300, lines: 101 },
  ])("name 100 in the log at most: of $records there are $lines lines", async ({ records, lines }) => {
    const { logger } = await open(Array.from({ length: records }, (_, name) => record(`me/${name}`, "{")));
    expect(logger.lines).toHaveLength(lines);
    if (records > 100) expect(logger.lines.at(-1)!.fields).toMatchObject({ records });
  });

  it("are what came before a record that the broker cannot read; of other names it is not known whether they were used", async () => {
    const { cursors, logger } = await open([record("me/a", at(1)), record("me/b", at(2))], (broker) => ({
      ...broker,
      async read(...place) {
        const reader = await broker.read(...place);
        let reads = 0;
        return {
          ...reader,
          async next(bytes) {
            reads += 1;
            if (reads > 1) throw new DistributionError("record_damaged", "offset 1 is damaged");
            const [stored] = await reader.next(bytes);
            return [
              { ...stored!, offsetAt: (index) => stored!.offsetAt(index), batch: { ...stored!.batch, count: 1 } },
            ];
          },
        };
      },
    }));
    expect([cursors.load("me/a"), cursors.lost("me/a"), cursors.lost("me/b")]).toEqual([at(1), false, true]);
    expect(logger.lines.map(({ level }) => level)).toEqual(["error"]);
  });

  it("reject with any other failure", async () => {
    const failing = open([record("me/a", at(1))], (broker) => ({
      ...broker,
      read: () => Promise.reject(new DistributionError("unavailable", "away")),
    }));
    await expect(failing).rejects.toMatchObject({ code: "unavailable" });
  });
});

it("a durable subscription whose cursor is damaged begins anew and is told so; the others go on", async () => {
  const broker = await openEmbedded();
  const before = await openBench({ broker });
  const [first] = await before.publish(TRADES.name, "1:a", "2:a");
  const named = (name: string, data: unknown) => record(`${ANONYMOUS.subject}/${name}`, data);
  await before.done(append(broker, TOPIC.name, named("bad", "{"), named("good", [first])));
  await before.close();
  const bench = await openBench({ broker });
  const client = bench.connect();
  const subscribe = (name: string) => client.subscribe({ name, topics: [TRADES.name] });
  const [bad, good, fresh] = [await subscribe("bad"), await subscribe("good"), await subscribe("new")];
  expect([bad.recovered, good.recovered, fresh.recovered]).toEqual([false, true, true]);
  expect(await client.received(1, good.channel)).toEqual(["2"]);
  await bench.publish(TRADES.name, "3:a");
  expect(await client.received(1, bad.channel)).toEqual(["3"]);
});
