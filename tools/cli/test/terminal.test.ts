import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { createTerminal } from "../src/terminal.ts";

/** A process of streams that can be looked into, with room for some bytes until they are read. */
function surroundings({ isTTY = false, room = 1_000 } = {}) {
  const signals = new EventEmitter();
  const exits: number[] = [];
  const screen = (): PassThrough & { isTTY: boolean } =>
    Object.assign(new PassThrough({ highWaterMark: room }), { isTTY });
  const process = {
    stdout: screen(),
    stderr: screen(),
    on: (signal: string, listener: () => void) => signals.on(signal, listener),
    exit: (code: number) => void exits.push(code),
  };
  return { process, exits, signals, terminal: createTerminal(process) };
}

const textOf = (stream: PassThrough): string => String(stream.read() ?? "");

describe("a terminal", () => {
  it("makes its writer wait until the pipe takes more", async () => {
    const { process, terminal } = surroundings({ room: 4 });
    await terminal.write("ab");
    let written = false;
    const waiting = terminal.write("cdef").then(() => {
      written = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(written).toBe(false);
    expect(textOf(process.stdout)).toBe("abcdef");
    await waiting;
  });

  it("writes nothing more once the reader is gone, and that is nobody's fault", async () => {
    const { process, terminal } = surroundings({ room: 4 });
    const waiting = terminal.write("abcdef");
    process.stdout.destroy(Object.assign(new Error("gone"), { code: "EPIPE" }));
    await waiting;
    expect([terminal.signal.aborted, terminal.interrupted]).toEqual([true, false]);
    await terminal.write("more");
  });

  it("does not swallow any other failure", () => {
    const { process } = surroundings();
    expect(() => process.stdout.emit("error", Object.assign(new Error("full"), { code: "ENOSPC" }))).toThrow("full");
    process.stderr.emit("error", new Error("nobody to tell"));
  });

  it("shows progress to people only, on a line that is written over", () => {
    const piped = surroundings();
    piped.terminal.progress(() => "1");
    expect(textOf(piped.process.stderr)).toBe("");
    const { process, terminal } = surroundings({ isTTY: true });
    terminal.progress(() => "1");
    // Too soon after the last one.
    terminal.progress(() => "2");
    terminal.say("done");
    expect(textOf(process.stderr)).toBe("\r\u001B[K1\r\u001B[Kdone\n");
  });

  it("clears the progress before it writes to the same screen", async () => {
    const { process, terminal } = surroundings({ isTTY: true });
    terminal.progress(() => "1");
    await terminal.write("row\n");
    expect(textOf(process.stderr)).toBe("\r\u001B[K1\r\u001B[K");
    expect(terminal.isTerminal).toBe(true);
  });

  it("tells of Ctrl-C once, and ends at the second", () => {
    const { signals, exits, terminal } = surroundings();
    signals.emit("SIGINT");
    expect([terminal.signal.aborted, terminal.interrupted, exits]).toEqual([true, true, []]);
    signals.emit("SIGINT");
    expect(exits).toEqual([130]);
  });
});
