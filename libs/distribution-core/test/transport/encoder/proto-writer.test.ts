import { BinaryReader } from "@bufbuild/protobuf/wire";
import { describe, expect, it } from "vitest";
import { ProtoWriter } from "../../../src/transport/proto-writer.ts";

const TEXT = (1 << 3) | 2;
const NUMBER = 2 << 3;

/** The message that `write` writes alone. */
function written(write: (out: ProtoWriter) => void): Buffer {
  const out = new ProtoWriter();
  out.begin(0);
  write(out);
  return out.finish();
}

describe("a writer of protobuf messages", () => {
  it.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32 - 1])("writes the number %d, or nothing for 0", (value) => {
    const bytes = written((out) => out.number(NUMBER, value));
    if (value === 0) return expect(bytes).toHaveLength(0);
    const reader = new BinaryReader(bytes);
    expect(reader.uint32()).toBe(NUMBER);
    expect(reader.uint32()).toBe(value);
    expect(reader.pos).toBe(reader.len);
  });

  it.each(["a", "x".repeat(63), "x".repeat(64), "x".repeat(127), "x".repeat(128), "é", `${"x".repeat(62)}€`, "\u0000"])(
    "writes the text %j",
    (value) => {
      const reader = new BinaryReader(written((out) => out.text(TEXT, value)));
      expect(reader.uint32()).toBe(TEXT);
      expect(reader.string()).toBe(value);
      expect(reader.pos).toBe(reader.len);
    },
  );

  it("leaves out an empty text, unless it is a member of a list", () => {
    expect(written((out) => out.text(TEXT, ""))).toHaveLength(0);
    expect([...written((out) => out.text(TEXT, "", true))]).toEqual([TEXT, 0]);
  });

  it.each([0, 127, 128, 16_384, 70_000, 2 ** 21])("puts a body of %d bytes behind its tag and length", (size) => {
    const out = new ProtoWriter();
    out.begin(TEXT);
    out.raw(new Uint8Array(size).fill(7), 0, size);
    const reader = new BinaryReader(out.finish());
    expect(reader.uint32()).toBe(TEXT);
    expect(Buffer.from(reader.bytes()).equals(Buffer.alloc(size, 7))).toBe(true);
    expect(reader.pos).toBe(reader.len);
  });

  it("gives a copy that the next message does not change", () => {
    const out = new ProtoWriter();
    out.begin(TEXT);
    out.text(TEXT, "first");
    const first = out.finish();
    const before = Buffer.from(first);
    out.begin(TEXT);
    out.text(TEXT, "other");
    out.finish();
    expect(first).toEqual(before);
  });

  it("keeps what it has while it grows", () => {
    const out = new ProtoWriter();
    out.begin(0);
    for (let at = 0; at < 50_000; at += 1) out.number(NUMBER, at + 1);
    const reader = new BinaryReader(out.finish());
    for (let at = 0; at < 50_000; at += 1) {
      reader.uint32();
      expect(reader.uint32()).toBe(at + 1);
    }
  });
});
