import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type RecordedLine, readRecording } from "../src/domain/feeds/recording.ts";
import { recordingOf, temporaryFile } from "./support/recording-file.ts";

async function linesOf(path: string, maxLineBytes?: number): Promise<RecordedLine[]> {
  const lines: RecordedLine[] = [];
  for await (const line of readRecording(path, maxLineBytes)) lines.push(line);
  return lines;
}

describe("a recording", () => {
  it("is read line by line, an empty line and one without a line break at the end included", async () => {
    const path = temporaryFile(gzipSync("one\n\nthree ü"));
    expect(await linesOf(path)).toEqual([
      { line: 1, text: "one", bytes: 3 },
      { line: 2, text: "", bytes: 0 },
      { line: 3, text: "three ü", bytes: 8 },
    ]);
  });

  it("has lines that span many chunks", async () => {
    const long = "x".repeat(300_000);
    expect((await linesOf(recordingOf([long, "y", long]))).map(({ text }) => text)).toEqual([long, "y", long]);
  });

  it("gives lines up to the bound, and of longer ones only how long they are", async () => {
    const path = recordingOf(["1234", "12345", "123456", "x".repeat(200_000), "end"]);
    expect(await linesOf(path, 5)).toEqual([
      { line: 1, text: "1234", bytes: 4 },
      { line: 2, text: "12345", bytes: 5 },
      { line: 3, bytes: 6 },
      { line: 4, bytes: 200_000 },
      { line: 5, text: "end", bytes: 3 },
    ]);
  });

  it("that is empty has no lines", async () => {
    expect(await linesOf(temporaryFile(gzipSync("")))).toEqual([]);
  });

  it("that is not there is told by its name", async () => {
    await expect(linesOf("/nowhere/at-all.gz")).rejects.toMatchObject({
      code: "not_found",
      message: expect.stringContaining("/nowhere/at-all.gz"),
    });
  });

  it("that is cut off or no gzip is told to be damaged, after the lines before", async () => {
    const whole = gzipSync(Array.from({ length: 50_000 }, (_, index) => `${index * 7919}\n`).join(""));
    await expect(linesOf(temporaryFile(whole.subarray(0, whole.length / 2)))).rejects.toMatchObject({
      code: "record_damaged",
    });
    await expect(linesOf(temporaryFile(Buffer.from("plain text")))).rejects.toMatchObject({ code: "record_damaged" });
  });

  it("can be left in the middle", async () => {
    for await (const { line } of readRecording(recordingOf(["1", "2", "3"]))) {
      if (line === 2) break;
    }
  });
});
