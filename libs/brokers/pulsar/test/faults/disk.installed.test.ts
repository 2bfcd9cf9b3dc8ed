/** The bookie's disk is full: it takes nothing more, publishers are told so, readers go on, and all is well when there is space. */
import { rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createPulsarBroker } from "@distribution/broker-pulsar";
import { createSmallDisk, startPulsar } from "@distribution/brokers";
import { batchOf, readEvents } from "@distribution/testkit/broker";
import { underLoad } from "@distribution/testkit/load";
import { expect, onTestFinished, test } from "vitest";

const MiB = 1024 * 1024;
const DISK_BYTES = 768 * MiB;

/** A bookie stops taking before its disk is full to the last byte, which it does not survive: here from eight tenths on. */
const properties = {
  ...{ diskUsageThreshold: 0.8, diskUsageWarnThreshold: 0.75, diskUsageLwmThreshold: 0.75, diskCheckInterval: 500 },
  ...{ logSizeLimit: 16 * MiB, minUsableSizeForEntryLogCreation: MiB, minUsableSizeForHighPriorityWrites: MiB },
  minUsableSizeForIndexFileCreation: MiB,
};

test("a full disk at the bookie: appends are refused with the reason, readers go on, and with space again nothing acknowledged is missing", {
  timeout: 180_000,
}, async (context) => {
  const disk = createSmallDisk(DISK_BYTES);
  if (disk === undefined)
    return context.skip("This user may not mount: run as root, or let sudo mount without asking.");
  onTestFinished(() => disk[Symbol.dispose]());
  await using pulsar = await startPulsar({ folder: join(disk.folder, "pulsar"), properties });
  const { serviceUrl, adminUrl } = pulsar;
  const broker = await createPulsarBroker({ serviceUrl, adminUrl, appendTimeoutMs: 4_000 });
  await broker.admin.ensureTopic({ name: "faults.read", partitions: 1, retention: {}, compaction: false });
  const append = (id: string) =>
    broker.append([{ topic: "faults.read", partition: 0, batch: batchOf([{ id, key: "k" }]) }]);
  await append("before");
  const filler = join(disk.folder, "filler");
  const { report } = await underLoad(broker, { topic: "faults.disk", partitions: 2 }, async (load) => {
    await load.more(300);
    const { bavail, blocks, bsize } = statfsSync(disk.folder);
    writeFileSync(filler, Buffer.alloc(bavail * bsize - Math.floor(0.1 * blocks * bsize)));
    let tries = 0;
    const refusal = () =>
      append(`refused-${tries++}`).then(
        () => undefined,
        (failure: unknown) => failure,
      );
    await expect.poll(refusal, { timeout: 60_000 }).toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("Not enough non-faulty bookies"),
    });
    expect(broker.health().reasons.join()).toContain("Not enough non-faulty bookies");
    const reader = await broker.read("faults.read", 0, { at: "earliest" });
    expect((await readEvents(reader, 1))[0]!.id).toBe("before");
    await reader.close();
    rmSync(filler);
    await load.more(300);
  });
  await expect.poll(() => append("with space again").then(Boolean, () => false), { timeout: 30_000 }).toBe(true);
  await expect.poll(() => broker.health(), { timeout: 30_000 }).toEqual({ ready: true, reasons: [] });
  await broker.close();
  expect(report.acknowledged).toBeGreaterThanOrEqual(600);
});
