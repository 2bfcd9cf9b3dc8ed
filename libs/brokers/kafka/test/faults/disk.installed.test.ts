/** The broker's disk is full: Kafka ends, publishers are told that it is away, and all go on when there is space and it is back. */
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createKafkaBroker } from "@distribution/broker-kafka";
import { createSmallDisk, startKafka } from "@distribution/brokers";
import { batchOf } from "@distribution/testkit/broker";
import { underLoad } from "@distribution/testkit/load";
import { expect, onTestFinished, test, vi } from "vitest";

const MiB = 1024 * 1024;
const DISK_BYTES = 64 * MiB;

test("a full disk at the broker: it ends, appends are refused, and with space again nothing acknowledged is missing", {
  timeout: 120_000,
}, async (context) => {
  const disk = createSmallDisk(DISK_BYTES);
  if (disk === undefined)
    return context.skip("This user may not mount: run as root, or let sudo mount without asking.");
  onTestFinished(() => disk[Symbol.dispose]());
  // Its index files are mapped into memory: with no room behind them it would end by a signal.
  const properties = { "log.index.size.max.bytes": 4096 };
  await using kafka = await startKafka({ folder: join(disk.folder, "kafka"), properties });
  const broker = await createKafkaBroker({ brokers: [kafka.bootstrap], appendTimeoutMs: 3_000 });
  await broker.admin.ensureTopic({ name: "faults.large", partitions: 1, retention: {}, compaction: false });
  const filler = join(disk.folder, "filler");
  const large = (id: string) =>
    broker.append([
      { topic: "faults.large", partition: 0, batch: batchOf([{ id, key: "k", data: Buffer.alloc(500_000) }]) },
    ]);
  const { report } = await underLoad(broker, { topic: "faults.disk", partitions: 3 }, async (load) => {
    await load.more(300);
    const { bavail, bsize } = statfsSync(disk.folder);
    writeFileSync(filler, Buffer.alloc(bavail * bsize - 1 * MiB));
    const until = async (): Promise<unknown> => {
      for (let at = 0; ; at += 1) {
        const refused = await large(`large-${at}`).catch((failure: unknown) => failure);
        if (refused instanceof Error) return refused;
      }
    };
    expect(await until()).toMatchObject({ code: "unavailable", message: expect.stringContaining("appendTimeoutMs") });
    expect(kafka.pid).toBeUndefined();
    expect(broker.health()).toMatchObject({
      ready: false,
      reasons: expect.arrayContaining([expect.stringContaining("Kafka is away")]),
    });
    rmSync(filler);
    await kafka.start();
    await load.more(300);
  });
  // While the one that was refused is still tried, no other is taken.
  await vi.waitFor(() => large("with space again"), { timeout: 30_000, interval: 100 });
  await expect.poll(() => broker.health(), { timeout: 10_000 }).toEqual({ ready: true, reasons: [] });
  await broker.close();
  expect(report.acknowledged).toBeGreaterThanOrEqual(600);
});
