/** A full disk refuses publishers, with the reason, and nobody else; when space returns, they are taken again. */
import { execFileSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Broker } from "@distribution/core/brokers";
import { takeEvents } from "@distribution/testkit/broker";
import { describe, expect, onTestFinished, test } from "vitest";
import { folder, idsOfEvents, openBroker, put, readAll, topicOf } from "./support.ts";

const MiB = 1024 * 1024;
const EVENT_BYTES = 16_000;

/** Appends until it is refused. */
async function fill(broker: Broker, topic: string): Promise<{ taken: string[]; refusal: unknown }> {
  const taken: string[] = [];
  for (;;) {
    const id = `e${taken.length}`;
    try {
      await put(broker, topic, [id], EVENT_BYTES);
      taken.push(id);
    } catch (refusal) {
      return { taken, refusal };
    }
  }
}

/** A file system of this many bytes of its own, or undefined where mounting is not permitted. */
function smallDisk(bytes: number): string | undefined {
  const directory = folder();
  mkdirSync(join(directory, "disk"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", join(directory, "disk")], {
      stdio: "ignore",
    });
  } catch {
    return undefined;
  }
  onTestFinished(() => void execFileSync("umount", ["-l", join(directory, "disk")]));
  return join(directory, "disk");
}

describe("the quota", () => {
  test("refuses what does not fit, to the byte that it names, and takes it again when it is raised", async () => {
    const directory = folder();
    const maxBytes = 1 * MiB;
    const broker = await openBroker({ directory, maxBytes });
    const topic = await topicOf(broker, "quota");
    const { taken, refusal } = await fill(broker, topic);
    expect(refusal).toMatchObject({
      code: "storage_full",
      message: expect.stringContaining(`${maxBytes} bytes (maxBytes)`),
    });
    expect(broker.health()).toMatchObject({ ready: true, reasons: [expect.stringContaining("maxBytes")] });
    const { bytes } = (await broker.admin.partitions(topic))[0]!;
    expect(bytes).toBeLessThanOrEqual(maxBytes);
    expect(bytes + bytes / taken.length).toBeGreaterThan(maxBytes);
    expect(idsOfEvents(await readAll(broker, topic))).toEqual(taken);
    await broker.close();
    const larger = await openBroker({ directory, maxBytes: 2 * maxBytes });
    await put(larger, topic, ["more"], EVENT_BYTES);
  });

  test("a batch that exactly fills it is taken, one byte more of quota or less decides", async () => {
    const [probe, topicName] = [await openBroker(), "exact"];
    await put(probe, await topicOf(probe, topicName), ["a"], 100_000);
    const { bytes } = (await probe.admin.partitions(topicName))[0]!;
    for (const [quota, taken] of [
      [bytes - 1, false],
      [bytes, true],
      [bytes + 1, true],
    ] as const) {
      const broker = await openBroker({ maxBytes: quota });
      const answer = put(broker, await topicOf(broker, topicName), ["a"], 100_000);
      if (taken) await answer;
      else await expect(answer).rejects.toMatchObject({ code: "storage_full" });
    }
  });

  test("counts what goes into one transaction together", async () => {
    const broker = await openBroker({ maxBytes: 1 * MiB });
    const topic = await topicOf(broker, "together");
    const answers = await Promise.allSettled(
      Array.from({ length: 200 }, (_, at) => put(broker, topic, [`e${at}`], EVENT_BYTES)),
    );
    expect(answers.filter(({ status }) => status === "rejected").length).toBeGreaterThan(0);
    expect((await broker.admin.partitions(topic))[0]!.bytes).toBeLessThanOrEqual(1 * MiB);
  });

  test("is told of by health as soon as there is space for what was refused, though nobody publishes", async () => {
    const lines: string[] = [];
    const log = (_: object, message: string) => void lines.push(message);
    const logger = { debug: log, info: log, warn: log, error: log };
    const broker = await openBroker({ maxBytes: 1 * MiB, logger });
    const topic = await topicOf(broker, "told");
    await fill(broker, topic);
    const refused = { ready: true, reasons: [expect.stringContaining("maxBytes")] };
    expect([broker.health(), broker.health()]).toEqual([refused, refused]);
    expect(lines).toEqual([expect.stringContaining("Publishers are refused")]);
    const [info] = await broker.admin.partitions(topic);
    await broker.admin.truncate({ topic, partition: 0, epoch: info!.epoch, offset: "1" });
    expect(broker.health()).toEqual({ ready: true, reasons: [] });
    expect(lines.slice(1)).toEqual(["Publishers are taken again."]);
    await put(broker, topic, ["fits"], EVENT_BYTES);
    await expect(put(broker, topic, ["fits not"], EVENT_BYTES)).rejects.toMatchObject({ code: "storage_full" });
  });

  test("is freed by retention, without a restart; groups settle meanwhile", async () => {
    const broker = await openBroker({ maxBytes: 1 * MiB });
    const topic = await topicOf(broker, "freed");
    const { taken } = await fill(broker, topic);
    const member = await broker.group({ name: "g", topics: [topic], from: "earliest", ackTimeoutMs: 30_000 });
    const given = await takeEvents(member, 3);
    await member.ack(given.map(({ position }) => position));
    expect(await broker.admin.lag("g", topic)).toEqual([taken.length - 3]);
    await topicOf(broker, topic, { retention: { bytes: MiB / 2 } });
    await broker.admin.maintain();
    await put(broker, topic, ["again"], EVENT_BYTES);
    expect(broker.health().reasons).toEqual([]);
  });
});

test("a folder that is taken away refuses publishers, and nobody else, until it is back", async () => {
  const directory = join(folder(), "data");
  const broker = await openBroker({ directory });
  const topic = await topicOf(broker, "away");
  await put(broker, topic, ["before"]);
  renameSync(directory, `${directory}-away`);
  await expect(put(broker, topic, ["meanwhile"])).rejects.toMatchObject({
    code: "storage_full",
    message: expect.stringMatching(/does not tell what is free on it \(ENOENT.*put the folder back/),
  });
  expect(idsOfEvents(await readAll(broker, topic))).toEqual(["before"]);
  renameSync(`${directory}-away`, directory);
  await put(broker, topic, ["after"]);
  expect(idsOfEvents(await readAll(broker, topic))).toEqual(["before", "after"]);
});

describe("a real file system", () => {
  test("that runs full refuses publishers; readers, groups and retention go on; space that returns is used", async (context) => {
    const disk = smallDisk(24 * MiB);
    context.skip(disk === undefined, "mounting a file system is not permitted here");
    const directory = join(disk!, "data");
    const broker = await openBroker({ directory, diskReserveBytes: 4 * MiB });
    const topic = await topicOf(broker, "disk");
    const { taken, refusal } = await fill(broker, topic);
    expect(refusal).toMatchObject({
      code: "storage_full",
      message: expect.stringMatching(/bytes are free on the disk .*diskReserveBytes/),
    });
    const { bavail, bsize } = statfsSync(directory);
    expect(bavail * bsize).toBeGreaterThan(2 * MiB);
    expect(taken.length * EVENT_BYTES).toBeGreaterThan(12 * MiB);

    expect(idsOfEvents(await readAll(broker, topic))).toEqual(taken);
    const member = await broker.group({ name: "g", topics: [topic], from: "earliest", ackTimeoutMs: 30_000 });
    await member.ack((await takeEvents(member, 100)).map(({ position }) => position));
    await member.close();
    await topicOf(broker, topic, { retention: { bytes: 4 * MiB } });
    await broker.admin.maintain();
    await put(broker, topic, ["after retention"], EVENT_BYTES);
    expect(idsOfEvents(await readAll(broker, topic)).at(-1)).toBe("after retention");
  });

  test("that others fill refuses publishers until they give it back", async (context) => {
    const disk = smallDisk(24 * MiB);
    context.skip(disk === undefined, "mounting a file system is not permitted here");
    const broker = await openBroker({ directory: join(disk!, "data"), diskReserveBytes: 4 * MiB });
    const topic = await topicOf(broker, "others");
    await put(broker, topic, ["before"], EVENT_BYTES);
    const hog = join(disk!, "hog");
    const { bavail, bsize } = statfsSync(disk!);
    writeFileSync(hog, Buffer.alloc(bavail * bsize - MiB / 4));
    await expect(put(broker, topic, ["refused"], EVENT_BYTES)).rejects.toMatchObject({ code: "storage_full" });
    const member = broker.group({ name: "g", topics: [topic], from: "earliest", ackTimeoutMs: 1000 });
    await expect(member, "nothing at all may be written below the last eighth").rejects.toMatchObject({
      code: "storage_full",
    });
    expect(idsOfEvents(await readAll(broker, topic))).toEqual(["before"]);
    expect(broker.health().reasons).toEqual([expect.stringContaining("bytes are free on the disk")]);
    rmSync(hog);
    expect(broker.health().reasons).toEqual([]);
    await put(broker, topic, ["after"], EVENT_BYTES);
    expect(idsOfEvents(await readAll(broker, topic))).toEqual(["before", "after"]);
  });
});
