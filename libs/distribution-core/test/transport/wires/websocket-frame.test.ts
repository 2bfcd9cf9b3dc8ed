import { describe, expect, it } from "vitest";
import { encodedFrame } from "../../../src/transport/frames/index.ts";
import { createJoiner, frameMessage, OPCODE, wrapped } from "../../../src/transport/websocket/frame.ts";

describe("a WebSocket frame", () => {
  it.each([
    [0, [0x81, 0]],
    [125, [0x81, 125]],
    [126, [0x81, 126, 0, 126]],
    [65_535, [0x81, 126, 0xff, 0xff]],
    [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  ])("of %i bytes has the shortest header", (length, header) => {
    const message = frameMessage(OPCODE.text, Buffer.alloc(length, 0x61));
    expect([...message.subarray(0, header.length)]).toEqual(header);
    expect(message).toHaveLength(header.length + length);
    expect(message.subarray(header.length).every((byte) => byte === 0x61)).toBe(true);
  });

  it("is made once for all its connections", () => {
    const frame = encodedFrame(Buffer.from("payload"));
    expect(wrapped(frame, OPCODE.binary)).toBe(wrapped(frame, OPCODE.binary));
    expect(wrapped(frame, OPCODE.binary)[0]).toBe(0x82);
  });
});

describe("joining the frames of one write", () => {
  const frames = (count: number, bytes: number) =>
    Array.from({ length: count }, () => encodedFrame(Buffer.alloc(bytes, 0x61)));

  it("waits for a second connection that gets the same, and then shares one buffer", () => {
    const { join } = createJoiner(OPCODE.text);
    const list = frames(3, 10);
    expect(join(list)).toBeUndefined();
    const joined = join([...list]);
    expect(joined).toEqual(Buffer.concat(list.map((frame) => wrapped(frame, OPCODE.text))));
    expect(join(list)).toBe(joined);
  });

  it("does not mistake other frames for the same", () => {
    const { join } = createJoiner(OPCODE.text);
    const [a, b, c] = frames(3, 10) as [ReturnType<typeof encodedFrame>, ...ReturnType<typeof frames>];
    const list = [a, b!];
    join(list);
    list[1] = c!;
    expect(join(list)).toBeUndefined();
    expect(join([a])).toBeUndefined();
  });

  it.each([
    [65_536 - 4 - 100 - 1, true],
    [65_536 - 4 - 100, true],
    [65_536 - 4 - 100 + 1, false],
  ])("keeps copies of up to 64 KiB (%i: %s)", (bytes, kept) => {
    const { join } = createJoiner(OPCODE.text);
    const list = [...frames(1, bytes), ...frames(1, 98)];
    join(list);
    expect(join(list) !== undefined).toBe(kept);
  });
});
