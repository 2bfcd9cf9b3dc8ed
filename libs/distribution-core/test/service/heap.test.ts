import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const HEAP = fileURLToPath(new URL("../../src/runtime/heap.ts", import.meta.url));

/** What a process with a heap of this limit says on stdout and stderr. */
async function run(script: string, heapMb: number): Promise<readonly [string, string]> {
  const args = [`--max-old-space-size=${heapMb}`, "--input-type=module", "-e", script];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  return [stdout, stderr];
}

/** Calls it where V8 is not told, but what it would be told is said. */
const SAY = `
  import { syncBuiltinESMExports } from "node:module";
  import v8 from "node:v8";
  v8.setFlagsFromString = (flag) => console.log(flag);
  syncBuiltinESMExports();
  const { tuneHeap } = await import(${JSON.stringify(HEAP)});
  tuneHeap();`;

test.each([
  [2048, ["--no-allocation-site-pretenuring", "--external-memory-accounted-in-global-limit"]],
  [256, ["--no-allocation-site-pretenuring"]],
])("with a heap of up to %i MB, V8 is told %j", async (heapMb, flags) => {
  expect(await run(SAY, heapMb)).toEqual([[...flags, ""].join("\n"), ""]);
});

test("V8 knows the flags", async () => {
  const script = `import { tuneHeap } from ${JSON.stringify(HEAP)}; tuneHeap();`;
  expect(await run(script, 2048)).toEqual(["", ""]);
});
