import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build, type Rolldown } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NOTES, startService, type TestService } from "./support/service.ts";

const ENTRY = fileURLToPath(new URL("../src/index.ts", import.meta.url));
/** Minified, bytes: a page should not pay for more than it uses. */
const MOST_BYTES = 200_000;

let service: TestService;
let code: string;
beforeAll(async () => {
  service = await startService();
  const [bundle] = (await build({
    configFile: false,
    logLevel: "silent",
    build: { write: false, lib: { entry: ENTRY, formats: ["iife"], name: "distribution" }, target: "es2022" },
  })) as Rolldown.RolldownOutput[];
  code = bundle!.output[0].code;
});
afterAll(() => service[Symbol.asyncDispose]());

/** What a browser has, and nothing of Node: no process, no Buffer, no require. */
const browserGlobals = () => ({
  WebSocket,
  URL,
  TextEncoder,
  TextDecoder,
  ArrayBuffer,
  Uint8Array,
  performance,
  crypto,
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  atob,
  btoa,
});

describe("the bundle for browsers", () => {
  it("imports nothing of Node, and is small", () => {
    expect(code).not.toMatch(/["']node:|require\(|\bprocess\.(?!env)/);
    expect(code.length).toBeLessThan(MOST_BYTES);
  });

  it.each(["proto", "json"])(
    "publishes and receives over %s where there is nothing but what browsers have",
    async (format) => {
      const context = createContext({ ...browserGlobals(), url: service.url, topic: NOTES, format });
      runInContext(code, context);
      const received = await runInContext(
        `(async () => {
        const client = distribution.connect({ url, format });
        const subscription = client.subscribe({ topics: topic });
        await subscription.ready;
        const note = (n) => ({ source: "/page", type: "note.v1", key: "k", time: new Date(1), data: { n } });
        await client.publish(topic, [note(1), note(2)]);
        const got = [];
        for await (const { data, key, time } of subscription) {
          got.push([data.n, key, String(time)]);
          if (got.length === 2) break;
        }
        await client.close();
        return JSON.stringify(got);
      })()`,
        context,
      );
      expect(JSON.parse(received)).toEqual([
        [1, "k", "1000000"],
        [2, "k", "1000000"],
      ]);
    },
  );
});
