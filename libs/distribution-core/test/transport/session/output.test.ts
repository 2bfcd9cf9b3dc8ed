import { describe, expect, it } from "vitest";
import { systemRuntime } from "../../../src/runtime/index.ts";
import type { Connection, EncodedFrame } from "../../../src/transport/contract.ts";
import { encodedFrame } from "../../../src/transport/frames/index.ts";
import type { SessionContext } from "../../../src/transport/session-context.ts";
import { DEFAULT_SESSION_LIMITS } from "../../../src/transport/session-limits.ts";
import { SessionOutput } from "../../../src/transport/session-output.ts";

const nothing = (): void => undefined;

function createOutput(): { readonly output: SessionOutput; readonly writes: (readonly EncodedFrame[])[] } {
  const writes: (readonly EncodedFrame[])[] = [];
  const connection: Connection = {
    ...{ wire: "websocket", format: "json", credential: { remote: "127.0.0.1", loopback: true } },
    write(frames) {
      writes.push([...frames]);
      return true;
    },
    bufferedBytes: () => 0,
    close: nothing,
    destroy: nothing,
  };
  const context = {
    limits: DEFAULT_SESSION_LIMITS,
    runtime: systemRuntime,
    written: { websocket: { events: { value: 0 }, bytes: { value: 0 } } },
    queueFlush: nothing,
  } as unknown as SessionContext;
  const told = { onSpent: nothing, onBlocked: nothing, onTurn: nothing, onOverflow: nothing };
  const output = new SessionOutput({ connection, context, ...told, onTooSlow: nothing, onFailed: nothing });
  return { output, writes };
}

describe("what a session has to say", () => {
  it("is written once for each session, whichever frames they share in which turns", () => {
    const sessions = [createOutput(), createOutput()];
    const [a, b, c] = ["a", "b", "c"].map((text) => encodedFrame(Buffer.from(text)));
    for (const turn of [[a!], [a!, b!], [b!, c!, a!], [c!]]) {
      for (const { output } of sessions) for (const frame of turn) output.send(frame);
      for (const { output } of sessions) output.flush();
    }
    for (const { writes } of sessions) expect(writes).toEqual([[a], [a, b], [b, c, a], [c]]);
  });
});
