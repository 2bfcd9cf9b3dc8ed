/** A disk that runs full under the whole service with its logs on it: publishers are refused and told why; for everybody else life goes on. */
import { until } from "@distribution/testkit/service";
import { describe, expect, it } from "vitest";
import { publishOverGrpc } from "../support/publisher.ts";
import { skippedFor } from "../support/requirement.ts";
import { logOf, publishEvents, type Refused, readiness, request } from "../support/rest.ts";
import { startProcess } from "../support/service.ts";
import { mayMount, mountSmallDisk } from "../support/small-disk.ts";
import { received, subscribe } from "../support/stream/subscription.ts";
import { websocket } from "../support/stream/websocket.ts";
import { WIRES } from "../support/stream/wires.ts";
import { TRADES, tradeCloudEvent, trades } from "../support/trades.ts";

const MiB = 1024 * 1024;
/** Room for the broker's reserve of 64 MiB, and for about 30 MiB of events. */
const DISK_BYTES = 96 * MiB;
/** Of about 0.7 MiB: it fits into one frame, too. */
const BATCH = 15;
const PADDING = 50_000;
/** gRPC's RESOURCE_EXHAUSTED. */
const RESOURCE_EXHAUSTED = 8;

const missing = mayMount() ? undefined : "mounting a file system is not permitted";

describe.skipIf(skippedFor(missing))("a disk that runs full", () => {
  it("refuses publishers with the reason while subscribers, reads and repeats go on", async () => {
    const disk = mountSmallDisk(DISK_BYTES);
    await using service = await startProcess({ DATA_DIR: disk.path, BROKER: "embedded" });
    const { ports } = service;
    const live = await subscribe(await websocket("proto").connect(ports), { topics: [TRADES] });

    // ── until the disk is full ──
    let taken = 0;
    let refusal: Refused | undefined;
    while (refusal === undefined) {
      await publishEvents(ports, TRADES, trades(`batch-${taken}`, BATCH, { padding: PADDING })).then(
        () => {
          taken += BATCH;
        },
        (failure: Refused) => {
          refusal = failure;
        },
      );
    }
    expect(refusal).toMatchObject({ status: 507, code: "storage_full" });
    expect(refusal.message).toMatch(/bytes are free on the disk of .*in reserve/);
    expect(taken * PADDING).toBeGreaterThan(10 * MiB);

    // ── every way in says so ──
    const overGrpc = publishOverGrpc(ports, TRADES, trades("grpc", BATCH, { padding: PADDING + 1000 }));
    await expect(overGrpc).rejects.toMatchObject({ code: RESOURCE_EXHAUSTED });
    const large = tradeCloudEvent({ id: "frame" });
    const note = "x".repeat(PADDING + 1000);
    const events = Array.from({ length: BATCH }, (_, at) => ({ ...large, id: `frame-${at}`, note }));
    live.client.send({ ref: "full", publish: { topic: TRADES, events } });
    const answer = await until("the publish frame is answered", () =>
      live.client.frames.find(({ ref }) => ref === "full"),
    );
    expect(answer).toMatchObject({ kind: "error", value: { code: "storage_full", retryable: true } });

    // ── readiness: still ready for subscribers, and it says what is wrong ──
    const full = await readiness(ports);
    expect(full).toMatchObject({ status: 200, ready: true });
    expect(full.reasons.join()).toMatch(/Publishers are refused: .*free on the disk/);

    // ── everybody else: nothing lost, nothing that was refused, on every wire and in the history ──
    await received(live, taken);
    for (const wire of WIRES) {
      const late = await subscribe(await wire.connect(ports), { topics: [TRADES], from: { earliest: true } });
      await received(late, taken);
      expect(late.delivered.length, wire.name).toBe(taken);
      expect(late.breaks, wire.name).toEqual([]);
      late.client.vanish();
    }
    expect((await logOf(ports, TRADES)).length).toBe(taken);
    expect(await request(ports, "/instruments/test:BTC-USD/trades?limit=1")).toMatchObject({ trades: [{}] });
    const again = await publishEvents(ports, TRADES, trades("batch-0", BATCH, { padding: PADDING }));
    expect(again.duplicates, "a repeat needs no space").toBe(BATCH);
  });

  it("because of something else takes publishers again as soon as the space is given back", async () => {
    const disk = mountSmallDisk(DISK_BYTES);
    await using service = await startProcess({ DATA_DIR: disk.path, BROKER: "embedded" });
    const { ports } = service;
    const live = await subscribe(await websocket("json").connect(ports), { topics: [TRADES] });
    await publishEvents(ports, TRADES, trades("before", BATCH));
    disk.hog(32 * MiB);
    await expect(publishEvents(ports, TRADES, trades("refused", BATCH))).rejects.toMatchObject({
      code: "storage_full",
    });
    expect((await readiness(ports)).reasons.join()).toContain("Publishers are refused");

    disk.release();
    expect(await readiness(ports), "though nobody has published since").toEqual({
      status: 200,
      ready: true,
      reasons: [],
    });
    await publishEvents(ports, TRADES, trades("after", BATCH));
    await received(live, 2 * BATCH);
    expect(new Set(live.delivered.map(({ event }) => event.id.replace(/-\d+$/, "")))).toEqual(
      new Set(["before", "after"]),
    );
    expect(live.breaks).toEqual([]);
  });
});
