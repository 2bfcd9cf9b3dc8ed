/** The whole service killed with SIGKILL under load, again and again, on the same data. */
import { assertFaultless, createHistory } from "@distribution/testkit/history";
import { testFolder, until, within } from "@distribution/testkit/service";
import { expect, it } from "vitest";
import { createPublishers } from "../support/publisher.ts";
import { ResumingSubscriber } from "../support/resuming-subscriber.ts";
import { startProcess } from "../support/service.ts";
import { grpc } from "../support/stream/grpc.ts";
import { socketio } from "../support/stream/socketio.ts";
import { sse } from "../support/stream/sse.ts";
import { websocket } from "../support/stream/websocket.ts";

const KILLS = Number(process.env["SERVICE_KILLS"] ?? 3);
/** Batches that each publisher gets acknowledged before the kill: at least, and up to so many more. */
const LEAST_BATCHES = 5;
const MORE_BATCHES = 20;

it(`killed ${KILLS} times, it loses nothing acknowledged, and who resumes misses nothing and gets nothing twice`, {
  timeout: 60_000 + KILLS * 20_000,
}, async () => {
  const directory = testFolder();
  const witness = createHistory();
  const publishers = createPublishers(witness);
  const subscribers = [
    new ResumingSubscriber(websocket("json"), "positions", witness),
    new ResumingSubscriber(websocket("proto"), "token", witness),
    new ResumingSubscriber(socketio, "positions", witness),
    new ResumingSubscriber(grpc, "positions", witness),
    new ResumingSubscriber(grpc, "token", witness),
    new ResumingSubscriber(sse, "token", witness),
  ];

  for (let life = 0; life < KILLS; life += 1) {
    await using service = await startProcess({ DATA_DIR: directory });
    for (const subscriber of subscribers) await subscriber.connect(service.ports);
    for (const publisher of publishers) publisher.run(service.ports);
    const enough = publishers.map(({ acknowledged }) => acknowledged + LEAST_BATCHES + Math.random() * MORE_BATCHES);
    const before = subscribers.map(({ seen }) => seen.size);
    await until("every publisher was acknowledged and every subscriber got events", () => {
      const acknowledged = publishers.every((publisher, index) => publisher.acknowledged >= enough[index]!);
      return acknowledged && subscribers.every(({ seen }, index) => seen.size > before[index]!);
    });
    expect(await within("the process is gone", service.kill("SIGKILL"))).toMatchObject({ signal: "SIGKILL" });
    for (const publisher of publishers) await publisher.stop();
    for (const subscriber of subscribers) await within(`${subscriber.name} ends`, subscriber.ended());
  }

  await using service = await startProcess({ DATA_DIR: directory });
  // Each key has an event in these: whoever has them has all that was before them.
  const last: string[] = [];
  for (const publisher of publishers) last.push(...(await publisher.finish(service.ports)));
  const fresh = new ResumingSubscriber(websocket("proto"), "positions", witness);
  for (const subscriber of [...subscribers, fresh]) {
    await subscriber.connect(service.ports);
    await until(`${subscriber.name} has the last events`, () => last.every((id) => subscriber.seen.has(id)));
    expect(subscriber.breaks).toEqual([]);
    subscriber.leave();
  }
  const report = witness.report();
  assertFaultless(report);
  expect(report.unknown).toBe(0);
  const repeats = publishers.flatMap((publisher) => publisher.repeats);
  expect(repeats.length).toBeGreaterThan(0);
  // On a broker without transactions a kill may leave a batch in some of its partitions.
  if ((process.env["TEST_BROKER"] ?? "embedded") !== "embedded") return;
  for (const [known, all] of repeats) expect([0, all], "a batch is known as a whole or not at all").toContain(known);
});
