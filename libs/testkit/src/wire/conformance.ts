/** The laws of the Connection contract, for every wire alike: a real server, real clients, real sockets. */
import { ERROR_CODES } from "@distribution/core/errors";
import type { EncodedFrame } from "@distribution/core/transport/wires";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunningWire, WireClient, WireFixture } from "./contract.ts";
import { createEchoHost, type EchoHost, type EchoHostOptions, type EchoSession } from "./echo-host.ts";
import { frameOfBytes, numbersOf, stateFrame } from "./frames.ts";

const CLOSE_TIMEOUT_MS = 300;
const HEARTBEAT_MS = 100;
const MAX_FRAME_BYTES = 16 * 1024;
const PIECE_BYTES = 16 * 1024;
/** Loopback sockets hold some megabytes in the kernel; a connection that takes this much from a client that reads nothing has no bound. */
const MOST_PIECES = 2048;

export function describeWireConformance(fixture: WireFixture): void {
  describe(`wire: ${fixture.name}`, () => {
    let bench: Bench;
    beforeEach(async () => {
      bench = await openBench(fixture);
    });
    afterEach(() => bench.stop());

    describeDelivery(fixture, () => bench);
    describeEnds(fixture, () => bench);
    describeMany(fixture, () => bench);
    describe.runIf(fixture.pausable)("back-pressure", () => describeBackPressure(fixture, () => bench));
    describe.runIf(fixture.duplex)("client frames", () => describeClientFrames(fixture, () => bench));
  });
}

/** A host, its wire, and the clients that a test opened. */
interface Bench {
  readonly host: EchoHost;
  readonly wire: RunningWire;
  connect(token?: string): Promise<{ readonly client: WireClient; readonly session: EchoSession }>;
  stop(): Promise<void>;
}

interface BenchOptions extends EchoHostOptions {
  /** Default so long that no test sees one. */
  readonly heartbeatMs?: number;
}

async function openBench(fixture: WireFixture, options: BenchOptions = {}): Promise<Bench> {
  const { heartbeatMs = 60_000 } = options;
  const host = createEchoHost({ maxFrameBytes: MAX_FRAME_BYTES, ...options });
  const wire = await fixture.start(host, { heartbeatMs, closeTimeoutMs: CLOSE_TIMEOUT_MS });
  const clients: WireClient[] = [];
  return {
    host,
    wire,
    async connect(token) {
      const before = host.sessions.length;
      const client = await wire.connect(token);
      clients.push(client);
      await until(() => host.sessions.length > before);
      return { client, session: host.sessions[before]! };
    },
    async stop() {
      for (const client of clients) client.vanish();
      await wire.close();
      await wire.stop();
    },
  };
}

function describeDelivery(fixture: WireFixture, bench: () => Bench): void {
  const { format, wire } = fixture;
  it("keeps the order of frames, whether written one by one or together", async () => {
    const { client, session } = await bench().connect();
    for (let number = 0; number < 300; number += 3) {
      session.connection.write([stateFrame(format, number)]);
      session.connection.write([
        stateFrame(format, number + 1, 200),
        stateFrame(format, number + 2, 70_000 * Number(number === 150)),
      ]);
    }
    await until(() => numbersOf(client.received).length === 300);
    expect(numbersOf(client.received)).toEqual(Array.from({ length: 300 }, (_, number) => number));
  });

  it.each([1, 125, 126, 127, 300, 65_535, 65_536, 200_000])(
    "brings a payload of about %i bytes whole",
    async (bytes) => {
      const { client, session } = await bench().connect();
      const overhead = stateFrame(format, 7).payload.length;
      for (const padding of [bytes - overhead - 1, bytes - overhead, bytes - overhead + 1]) {
        session.connection.write([stateFrame(format, 7, Math.max(padding, 0))]);
      }
      await until(() => numbersOf(client.received).length === 3);
      const reasons = client.received.filter(({ kind }) => kind === "state").map(({ value }) => value["reason"]);
      expect(reasons.map((reason) => String(reason).length)).toEqual(
        [-1, 0, 1].map((step) => Math.max(bytes - overhead + step, 0)),
      );
    },
  );

  it("brings many frames of one write that are long together", async () => {
    const { client, session } = await bench().connect();
    session.connection.write(Array.from({ length: 20 }, (_, number) => stateFrame(format, number, 5_000)));
    await until(() => numbersOf(client.received).length === 20);
    expect(numbersOf(client.received)).toEqual(Array.from({ length: 20 }, (_, number) => number));
  });

  it("shares one encoded frame among connections, and what it made of it", async () => {
    const opened = await Promise.all(Array.from({ length: 5 }, () => bench().wire.connect()));
    await until(() => bench().host.live().length === 5);
    const frame: EncodedFrame = stateFrame(format, 1, 50);
    const payload = Buffer.from(frame.payload);
    const wrapped = bench()
      .host.live()
      .map(({ connection }) => {
        connection.write([frame]);
        return frame.wrapped[wire];
      });
    await until(() => opened.every((client) => numbersOf(client.received).length === 1));
    expect(new Set(wrapped).size).toBe(1);
    expect(frame.payload).toEqual(payload);
    for (const client of opened) client.vanish();
  });

  it("takes an empty write for nothing", async () => {
    const { client, session } = await bench().connect();
    expect(session.connection.write([])).toBe(true);
    session.connection.write([stateFrame(format, 1)]);
    await until(() => numbersOf(client.received).length === 1);
  });

  it("tells what the client shows of itself", async () => {
    const { session } = await bench().connect("secret");
    expect(session.connection).toMatchObject({ wire, format, credential: { token: "secret", loopback: true } });
    expect(session.connection.credential.remote).toMatch(/127\.0\.0\.1|::1/);
  });

  it("hears of a client that says nothing, by itself", async () => {
    const quick = await openBench(fixture, { heartbeatMs: HEARTBEAT_MS });
    const { session } = await quick.connect();
    await until(() => session.heard >= 2);
    expect(session.messages).toBe(fixture.duplex ? 0 : 1);
    await quick.stop();
  });
}

function describeEnds({ format }: WireFixture, bench: () => Bench): void {
  it("sends what was written, then the close code and reason", async () => {
    const { client, session } = await bench().connect();
    session.connection.write([stateFrame(format, 1, 100_000), stateFrame(format, 2)]);
    session.connection.close(ERROR_CODES.too_slow.close, "You read too slowly: résumé with the token.");
    expect(await client.closed).toEqual({ code: 3008, reason: "You read too slowly: résumé with the token." });
    expect(numbersOf(client.received)).toEqual([1, 2]);
    await until(() => session.closed === 1 && bench().wire.connections() === 0);
  });

  it("closes once, however often it is asked, and writes nothing afterwards", async () => {
    const { client, session } = await bench().connect();
    session.connection.close(3001, "first");
    session.connection.close(3012, "second");
    expect(session.connection.write([stateFrame(format, 1)])).toBe(false);
    expect(await client.closed).toEqual({ code: 3001, reason: "first" });
    await until(() => session.closed === 1);
    session.connection.close(3001, "third");
    session.connection.destroy();
    session.connection.destroy();
    await settle();
    expect(session.closed).toBe(1);
    expect(numbersOf(client.received)).toEqual([]);
  });

  it("ends with a long reason and an impossible code all the same", async () => {
    const { client, session } = await bench().connect();
    session.connection.close(42, "€".repeat(200));
    const { reason } = await client.closed;
    expect("€".repeat(200).startsWith(reason)).toBe(true);
  });

  it("is told when its client vanishes, once", async () => {
    const { client, session } = await bench().connect();
    client.vanish();
    await until(() => session.closed > 0 && bench().wire.connections() === 0);
    await settle();
    expect(session.closed).toBe(1);
  });

  it("destroys a connection at once", async () => {
    const { client, session } = await bench().connect();
    session.connection.destroy();
    await client.closed;
    await until(() => session.closed === 1 && bench().wire.connections() === 0);
  });

  it("ends its connections with draining when it is closed, and can be closed again", async () => {
    const { client, session } = await bench().connect();
    await bench().wire.close();
    expect((await client.closed).code).toBe(ERROR_CODES.draining.close);
    expect(session.closed).toBe(1);
    expect(bench().wire.connections()).toBe(0);
    await bench().wire.close();
  });
}

function describeMany(fixture: WireFixture, bench: () => Bench): void {
  it(`carries ${fixture.crowd} connections`, async () => {
    const clients: WireClient[] = [];
    for (let opened = 0; opened < fixture.crowd; opened += 50) {
      clients.push(...(await Promise.all(Array.from({ length: 50 }, () => bench().wire.connect()))));
    }
    await until(() => bench().host.live().length === fixture.crowd);
    expect(bench().wire.connections()).toBe(fixture.crowd);
    const frames = [stateFrame(fixture.format, 1), stateFrame(fixture.format, 2)];
    for (const { connection } of bench().host.live()) connection.write(frames);
    await until(() => clients.every((client) => numbersOf(client.received).length === 2));
    for (const client of clients) client.vanish();
    await until(() => bench().wire.connections() === 0);
    expect(bench().host.live()).toEqual([]);
  });

  it("takes connections up to the host's limit and tells the next one why not", async () => {
    const limited = await openBench(fixture, { maxConnections: 2 });
    try {
      const first = await limited.connect();
      await limited.connect();
      const refused = await limited.wire.connect().then(
        (client) => client.closed,
        (refusal: { code: number }) => refusal,
      );
      expect(refused.code).toBe(ERROR_CODES.too_many_connections.close);
      await until(() => limited.wire.connections() === 2);
      first.client.vanish();
      await until(() => limited.wire.connections() === 1);
      await limited.connect();
    } finally {
      await limited.stop();
    }
  });
}

function describeBackPressure({ format }: WireFixture, bench: () => Bench): void {
  /** Writes until the connection says that it is full; returns how many frames that took. */
  const fill = async (session: EchoSession): Promise<number> => {
    for (let number = 0; number < MOST_PIECES; number += 1) {
      if (!session.connection.write([stateFrame(format, number, PIECE_BYTES)])) return number + 1;
      // The kernel takes more between the turns.
      if (number % 8 === 7) await settle(5);
    }
    throw new Error(`The connection took ${MOST_PIECES * PIECE_BYTES} bytes from a client that reads nothing.`);
  };

  it("says when a slow reader's socket is full, and when it took all again; nothing is lost", async () => {
    const { client, session } = await bench().connect();
    client.pause();
    const written = await fill(session);
    const buffered = session.connection.bufferedBytes();
    expect(buffered).toBeGreaterThan(0);
    expect(buffered).toBeLessThan(512 * 1024);
    expect(session.drained).toBe(0);
    client.resume();
    await until(() => session.drained > 0 && numbersOf(client.received).length === written);
    await until(() => session.connection.bufferedBytes() === 0);
    expect(numbersOf(client.received)).toEqual(Array.from({ length: written }, (_, number) => number));
    expect(session.connection.write([stateFrame(format, written)])).toBe(true);
  });

  it("does not let a slow reader delay another", async () => {
    const slow = await bench().connect();
    const quick = await bench().connect();
    slow.client.pause();
    await fill(slow.session);
    const start = performance.now();
    for (let number = 0; number < 100; number += 1) quick.session.connection.write([stateFrame(format, number)]);
    await until(() => numbersOf(quick.client.received).length === 100);
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  it("lets go of a closed connection whose client does not read", async () => {
    const { client, session } = await bench().connect();
    client.pause();
    await fill(session);
    session.connection.close(3008, "too slow");
    await until(() => session.closed === 1 && bench().wire.connections() === 0);
  });
}

function describeClientFrames({ format, flooded, pausable }: WireFixture, bench: () => Bench): void {
  it("brings client frames in order, and the answers to them", async () => {
    const { client } = await bench().connect();
    for (let number = 0; number < 200; number += 1) client.send({ ping: { time: number } });
    await until(() => numbersOf(client.received).length === 200);
    expect(numbersOf(client.received)).toEqual(Array.from({ length: 200 }, (_, number) => number));
  });

  it("takes a frame below and at the limit and refuses one byte more", async () => {
    const { client, session } = await bench().connect();
    for (const bytes of [MAX_FRAME_BYTES - 1, MAX_FRAME_BYTES]) client.send(frameOfBytes(format, bytes));
    await until(() => client.received.filter(({ kind }) => kind === "subscribed").length === 2);
    client.send(frameOfBytes(format, MAX_FRAME_BYTES + 1));
    expect((await client.closed).code).toBe(ERROR_CODES.bad_frame.close);
    expect(session.messages).toBe(2);
  });

  it("ends a client that sends garbage, and no other", async () => {
    const good = await bench().connect();
    for (const garbage of [Buffer.of(0xff, 0xfe, 0x00), Buffer.from("no frame"), Buffer.alloc(1000, 0x0b)]) {
      const bad = await bench().connect();
      bad.client.sendGarbage(garbage);
      await bad.client.closed;
      await until(() => bad.session.closed === 1);
    }
    good.client.send({ ping: { time: 1 } });
    await until(() => numbersOf(good.client.received).length === 1);
  });

  it.runIf(pausable)("bounds what piles up for a client that asks and does not read", async () => {
    const { client, session } = await bench().connect();
    client.pause();
    let sent = 0;
    let stalled = false;
    // Far beyond what the sockets of both sides hold: the wire has to do something about it.
    while (sent < MOST_PIECES && session.closed === 0 && !stalled) {
      for (let number = 0; number < 50; number += 1) client.send({ subscribe: { group: String(PIECE_BYTES) } });
      sent += 50;
      // More must not come in one read than these.
      await until(() => session.full || session.closed > 0 || session.messages === sent);
      expect(session.connection.bufferedBytes()).toBeLessThan(1024 * 1024);
      if (!session.full || session.messages === sent) continue;
      await settle(200);
      stalled = session.messages < sent;
    }
    expect(session.full).toBe(true);
    client.resume();
    if (flooded === "closed") {
      await until(() => session.closed === 1);
    } else {
      expect(session.messages).toBeLessThan(sent);
      await until(() => session.messages === sent && client.received.length === sent);
    }
  });
}

/** Waits until the condition holds, at most ten seconds. */
function until(condition: () => boolean): Promise<void> {
  return vi.waitFor(
    () => {
      if (!condition()) throw new Error(`Not so within ten seconds: ${condition.toString()}`);
    },
    { timeout: 10_000, interval: 5 },
  );
}

const settle = (ms = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
