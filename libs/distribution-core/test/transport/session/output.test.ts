import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Runtime, systemRuntime } from "../../../src/runtime/index.ts";
import type { Connection, EncodedFrame } from "../../../src/transport/contract.ts";
import { encodedFrame } from "../../../src/transport/frames/index.ts";
import { Outbox } from "../../../src/transport/outbox.ts";
import type { SessionContext } from "../../../src/transport/session-context.ts";
import { DEFAULT_SESSION_LIMITS } from "../../../src/transport/session-limits.ts";
import { SessionOutput } from "../../../src/transport/session-output.ts";

const LIMITS = { ...DEFAULT_SESSION_LIMITS, maxTurnBytes: 100, maxTurnEvents: 10, maxWaitingBytes: 300 };

/** Says at once to each session what is said to all. */
class EagerOutbox extends Outbox {
  override broadcast(outputs: readonly SessionOutput[], frame: EncodedFrame, events: number): void {
    for (const output of outputs) output.send(frame, events);
  }
}

function createSessions(count: number, OutboxKind: typeof Outbox = Outbox) {
  const turn: (() => void)[] = [];
  const timers = { ...systemRuntime.timers, soon: (run: () => void) => void turn.push(run) };
  const runtime: Runtime = { ...systemRuntime, timers };
  const written = { events: { value: 0 }, bytes: { value: 0 } };
  const outbox = new OutboxKind({ runtime, limits: LIMITS, onFlushed: () => undefined });
  const context = { limits: LIMITS, runtime, written: { websocket: written }, outbox } as unknown as SessionContext;
  const sessions = Array.from({ length: count }, () => createSession(context));
  return {
    outbox,
    sessions,
    outputs: sessions.map(({ output }) => output),
    endTurn: () => {
      for (const run of turn.splice(0)) run();
    },
    told: () => ({
      sessions: sessions.map(({ log, output: { writable, blocked, spent } }) => ({ log, writable, blocked, spent })),
      counted: [written.events.value, written.bytes.value],
    }),
  };
}

function createSession(context: SessionContext) {
  /** What was written, and what was told, in order. */
  const log: unknown[] = [];
  let full = false;
  let onOver = (): void => undefined;
  const connection: Connection = {
    ...{ wire: "websocket", format: "json", credential: { remote: "127.0.0.1", loopback: true } },
    write(frames) {
      log.push(frames.map(({ payload }) => payload.toString()));
      return !full;
    },
    bufferedBytes: () => 0,
    close: () => undefined,
    destroy: () => undefined,
  };
  const tells = (what: string) => () => void log.push(what);
  const output: SessionOutput = new SessionOutput({
    ...{ connection, context, onTooSlow: tells("too slow"), onFailed: tells("failed") },
    ...{ onSpent: tells("spent"), onBlocked: tells("blocked"), onTurn: tells("turn") },
    onOverflow: () => {
      log.push("overflow");
      output.close();
      onOver();
    },
  });
  return {
    output,
    log,
    onOver: (run: () => void) => {
      onOver = run;
    },
    fill: () => {
      full = true;
    },
    drain: () => {
      full = false;
      output.drained();
    },
  };
}

const frameOf = (text: string): EncodedFrame => encodedFrame(Buffer.from(text));

describe("what sessions have to say", () => {
  it("is written once for each, whichever frames they share in which turns", () => {
    const { sessions, outputs, endTurn } = createSessions(2);
    const [a, b, c] = ["a", "b", "c"].map(frameOf) as [EncodedFrame, EncodedFrame, EncodedFrame];
    for (const turn of [[a], [a, b], [b, c, a], [c]]) {
      for (const output of outputs) for (const frame of turn) output.send(frame);
      endTurn();
    }
    for (const { log } of sessions) expect(log).toEqual([["a"], ["a", "b"], ["b", "c", "a"], ["c"]]);
  });

  it("is said to those alone who were there, when it is said to all", () => {
    const { sessions, outputs, outbox, endTurn } = createSessions(3);
    const members = outputs.slice(0, 2);
    outbox.broadcast(members, frameOf("a"), 1);
    members.splice(0, 1, outputs[2]!);
    endTurn();
    expect(sessions.map(({ log }) => log)).toEqual([[["a"]], [["a"]], []]);
  });

  it("waits for a socket that is full, also when it is said to all", () => {
    const { sessions, outputs, outbox, endTurn, told } = createSessions(2);
    sessions[0]!.fill();
    for (const text of ["a", "b"]) {
      outbox.broadcast(outputs, frameOf(text), 2);
      endTurn();
    }
    expect(told().counted).toEqual([6, 3]);
    outbox.broadcast(outputs, frameOf("c"), 2);
    sessions[0]!.drain();
    endTurn();
    expect(sessions.map(({ log }) => log)).toEqual([
      [["a"], "blocked", ["b", "c"]],
      [["a"], ["b"], ["c"]],
    ]);
    expect(told().counted).toEqual([12, 6]);
  });

  it("tells when it was written last", async () => {
    const { outputs, outbox, endTurn } = createSessions(1);
    const before = outputs[0]!.sentAt;
    await new Promise((resolve) => setTimeout(resolve, 5));
    outbox.broadcast(outputs, frameOf("a"), 1);
    endTurn();
    expect(outputs[0]!.sentAt).toBeGreaterThan(before);
  });

  it.each([
    ["x".repeat(60), "y"],
    ["x", "y".repeat(60)],
  ])("goes to all, though one ends over it and leaves them", (...texts) => {
    const { sessions, outputs, outbox, endTurn } = createSessions(3);
    const members = [...outputs];
    sessions[1]!.fill();
    // As a class does: the last one moves to its place.
    sessions[1]!.onOver(() => void members.splice(1, 1, members.pop()!));
    for (let turn = 0; turn < 8; turn += 1) {
      for (const text of texts) outbox.broadcast(members, frameOf(text), 1);
      endTurn();
    }
    expect(sessions[1]!.log.at(-1)).toBe("overflow");
    for (const at of [0, 2]) expect(sessions[at]!.log).toEqual(Array(8).fill(texts));
  });

  it("is the same, whether a broadcast waits for the end of the turn or not", () => {
    const session = fc.nat({ max: 3 });
    const size = fc.constantFrom(1, 30, 99, 100, 150);
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("broadcast" as const),
        to: fc.uniqueArray(session, { minLength: 1 }),
        size,
        events: fc.constantFrom(0, 1, 9, 10),
      }),
      fc.record({ kind: fc.constant("send" as const), session, size, events: fc.constantFrom(0, 1) }),
      fc.record({ kind: fc.constantFrom("flush", "fill", "drain", "close", "answer"), session }),
      fc.record({ kind: fc.constant("turn" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const worlds = [createSessions(4), createSessions(4, EagerOutbox)];
        for (const { outbox, sessions, outputs, endTurn } of worlds) {
          for (const [at, each] of [...steps, { kind: "turn" as const }].entries()) {
            const frame = (bytes: number): EncodedFrame => frameOf(String(at).padEnd(bytes, "."));
            if (each.kind === "turn") endTurn();
            else if (each.kind === "broadcast") {
              const to = each.to.map((number) => outputs[number]!);
              outbox.broadcast(to, frame(each.size), each.events);
            } else if (each.kind === "send") outputs[each.session]!.send(frame(each.size), each.events);
            else if (each.kind === "answer") {
              const { writable } = outputs[each.session]!;
              if (writable) outputs[each.session]!.send(frame(5));
            } else if (each.kind === "fill" || each.kind === "drain") sessions[each.session]![each.kind]();
            else outputs[each.session]![each.kind]();
          }
        }
        expect(worlds[0]!.told()).toEqual(worlds[1]!.told());
      }),
      { numRuns: 1_000 },
    );
  });
});
