/** Options, message ids, windows and acknowledgements: what needs no broker. */
import { describe, expect, it } from "vitest";
import { createBackoff, wait } from "../src/connection/backoff.ts";
import {
  compareMessageIds,
  connectPulsar,
  EARLIEST,
  formatMessageId,
  LATEST,
  type MessageId,
  PULSAR_ERRORS,
  PulsarError,
  type PulsarOptions,
  parseMessageId,
} from "../src/index.ts";
import { fullTopicName, parseServiceUrl, partitionOf } from "../src/options.ts";
import { ackedCumulative, ackedId, PartialAcks } from "../src/receive/acks.ts";
import { createWindow } from "../src/receive/window.ts";

const id = (ledgerId: bigint, entryId: bigint, batchIndex = -1, batchSize = 0): MessageId => ({
  ledgerId,
  entryId,
  partition: 0,
  batchIndex,
  batchSize,
});

describe("message ids", () => {
  it("are ordered by ledger, entry and index, and an entry as a whole comes with its last message", () => {
    const ordered = [EARLIEST, id(1n, -1n), id(1n, 0n, 0, 2), id(1n, 0n, 1, 2), id(1n, 10n), id(2n, 0n), LATEST];
    for (const [i, a] of ordered.entries()) {
      for (const [j, b] of ordered.entries()) expect(Math.sign(compareMessageIds(a, b))).toBe(Math.sign(i - j));
    }
    expect(compareMessageIds(id(1n, 0n, 1, 2), id(1n, 0n, -1, 2))).toBe(0);
    expect(compareMessageIds(id(1n, 0n, -1, 0), id(1n, 0n, 0, 1))).toBe(0);
  });

  it("are texts and back", () => {
    for (const one of [EARLIEST, LATEST, id(123n, 45n, 6, 7)])
      expect(parseMessageId(formatMessageId(one))).toEqual(one);
    for (const none of ["", "1:2", "1:2:3:4/x", "a:2:3:4/5"]) {
      expect(() => parseMessageId(none)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    }
  });
});

describe("options", () => {
  it("of a service are hosts with ports, TLS or not", () => {
    expect(parseServiceUrl("pulsar://a,b:1/")).toEqual([
      { tls: false, host: "a", port: 6650 },
      { tls: false, host: "b", port: 1 },
    ]);
    expect(parseServiceUrl("pulsar+ssl://[::1]:7")).toEqual([{ tls: true, host: "::1", port: 7 }]);
    expect(parseServiceUrl("pulsar+ssl://h")).toEqual([{ tls: true, host: "h", port: 6651 }]);
  });

  const refused: [string, Partial<PulsarOptions>, string][] = [
    ["another scheme", { serviceUrl: "http://h" }, "serviceUrl"],
    ["no host", { serviceUrl: "pulsar://" }, "serviceUrl"],
    ["a host that is empty", { serviceUrl: "pulsar://a,,b" }, "serviceUrl"],
    ["port 0", { serviceUrl: "pulsar://a:0" }, "serviceUrl"],
    ["port 65536", { serviceUrl: "pulsar://a:65536" }, "serviceUrl"],
    ["a password", { serviceUrl: "pulsar://u:p@a:1" }, "serviceUrl"],
    ["an empty token", { token: "" }, "token"],
    ["a time below its range", { keepAliveMs: 9 }, "keepAliveMs"],
    ["a time above its range", { connectTimeoutMs: 600_001 }, "connectTimeoutMs"],
    ["half a millisecond", { operationTimeoutMs: 1.5 }, "operationTimeoutMs"],
    ["a back-off that shrinks", { backoff: { minMs: 10, maxMs: 5 } }, "backoff.minMs"],
    ["a back-off of nothing", { backoff: { minMs: 0 } }, "backoff.minMs"],
  ];
  it.each(refused)("with %s are refused by name", (_, options, name) => {
    const connect = (): unknown => connectPulsar({ serviceUrl: "pulsar://h", ...options });
    expect(connect).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(name) }),
    );
  });

  it("of topics are full names", () => {
    expect(fullTopicName("t")).toBe("persistent://public/default/t");
    expect(fullTopicName("a/b/t")).toBe("persistent://a/b/t");
    expect(fullTopicName("non-persistent://a/b/t")).toBe("non-persistent://a/b/t");
    for (const none of ["", "a/t", "http://a/b/t", "persistent://a/b/", "a b/c d/e"]) {
      expect(() => fullTopicName(none), none).toThrow(expect.objectContaining({ code: "invalid_argument" }));
    }
    expect(partitionOf("t-partition-12")).toBe(12);
    expect(partitionOf("t-partition-x")).toBe(-1);
  });
});

describe("errors", () => {
  it("know whether the same call may succeed later", () => {
    for (const [code, { retriable }] of Object.entries(PULSAR_ERRORS)) {
      expect(new PulsarError(code as keyof typeof PULSAR_ERRORS, "x").retriable).toBe(retriable);
    }
    expect(new PulsarError("closed", "x")).not.toHaveProperty("cause");
  });
});

describe("back-off", () => {
  it("is random below a bound that doubles up to its largest", () => {
    const backoff = createBackoff({ minMs: 10, maxMs: 35 }, () => 0.5);
    expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([5, 10, 17.5, 17.5]);
    expect(backoff.bound).toBe(35);
    backoff.reset();
    expect(backoff.next()).toBe(5);
  });

  it("ends when it is told to", async () => {
    const abort = new AbortController();
    const waiting = wait(1_000_000, abort.signal);
    abort.abort();
    await waiting;
    await wait(1_000_000, abort.signal);
  });
});

describe("a window", () => {
  it("starts with few, and then goes by the mean size of what comes", () => {
    const window = createWindow(1_000, 16_000);
    expect(window.due()).toBe(16);
    expect(window.due()).toBe(0);
    window.arrived(10, 1_000);
    window.left(10, 1_000);
    expect(window.due()).toBe(154);
  });

  it("asks for one at least, and for nothing while too many bytes wait", () => {
    const window = createWindow(10, 1_024);
    window.due();
    window.arrived(1, 4_000);
    expect(window.due()).toBe(0);
    expect(window.overrun).toBe(false);
    for (let i = 0; i < 5; i++) window.arrived(1, 4_000);
    expect(window.overrun).toBe(true);
    for (let i = 0; i < 6; i++) window.left(1, 4_000);
    expect(window.overrun).toBe(false);
    expect(window.queuedBytes).toBe(0);
    window.restart();
    expect(window.due()).toBe(1);
  });
});

describe("a window of which", () => {
  it("small messages made the mean small asks for none while a large one waits", () => {
    const window = createWindow(1_000, 1_024);
    window.due();
    window.arrived(1, 4_000);
    for (let i = 0; i < 40; i++) {
      window.arrived(1, 10);
      window.left(1, 10);
    }
    expect(window.due()).toBe(0);
    window.left(1, 4_000);
    expect(window.due()).toBeGreaterThan(1);
  });
});

describe("acknowledgements of parts", () => {
  it("of more than 64 messages are words as Java's BitSet has them", () => {
    const acks = new PartialAcks();
    const touched = acks.ack(id(1n, 1n, 63, 70));
    expect(ackedId(touched, true)?.openBits).toEqual([2n ** 63n - 1n, 63n]);
    for (let index = 0; index < 70; index++) acks.ack(id(1n, 1n, index, 70));
    expect(ackedId(touched, true)).toEqual({ ledgerId: 1n, entryId: 1n, batchSize: 70 });
    expect(acks.size).toBe(0);
    acks.ack(id(1n, 1n, 69, 70));
    expect(ackedId(acks.ack(id(1n, 1n, 69, 70)), true)?.openBits).toEqual([-1n, 31n]);
  });

  it("are forgotten when the batch is given again, acknowledged as a whole, or passed", () => {
    const acks = new PartialAcks();
    acks.ack(id(1n, 1n, 0, 3));
    acks.given(id(1n, 1n, -1, 3), undefined);
    expect(acks.size).toBe(0);
    acks.ack(id(1n, 1n, 0, 3));
    acks.ack(id(1n, 1n));
    expect(acks.size).toBe(0);
    acks.ack(id(1n, 1n, 0, 3));
    acks.ack(id(1n, 3n, 0, 3));
    expect(ackedCumulative(acks.ackCumulative(id(1n, 2n, 0, 2)), false)).toEqual({ ledgerId: 1n, entryId: 1n });
    expect(acks.size).toBe(2);
    expect(ackedCumulative(acks.ackCumulative(id(2n, 0n, 0, 2)), false)).toBeUndefined();
    acks.clear();
    expect(ackedId(acks.ack(id(1n, 1n, 0, 1)), true)).toEqual({ ledgerId: 1n, entryId: 1n, batchSize: 1 });
    acks.given(id(1n, 1n, -1, 3), [0b010n]);
    expect(ackedId(acks.ack(id(1n, 1n, 1, 3)), true)).toEqual({ ledgerId: 1n, entryId: 1n, batchSize: 3 });
  });
});
