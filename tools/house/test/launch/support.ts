/** Small services in a small checkout, run by the core's own `runService`. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import type { Screen } from "../../src/launch/screen.ts";
import { type Checkout, createCheckout } from "../checkout.ts";

export const ROOT = resolve(import.meta.dirname, "../../../..");
export const LAUNCHER = join(ROOT, "tools/house/src/launch/main.ts");

const app = (name: string): object => ({
  type: "module",
  nx: { name: `${name}-distribution`, targets: { serve: {}, test: {} } },
});

/** Ready at once; when it stops, it leaves a file `<name>.drained`. */
const service = (name: string): string => `
  import { writeFileSync } from "node:fs";
  import { createServer } from "node:net";
  import { runService } from ${JSON.stringify(join(ROOT, "libs/distribution-core/src/run.ts"))};
  import { DistributionError } from ${JSON.stringify(join(ROOT, "libs/distribution-core/src/errors.ts"))};
  await runService("${name}", async () => {
    const server = createServer().listen(0);
    if (process.env.FAILING === "${name}") throw new DistributionError("unavailable", "The port 7010 is in use; set another.");
    if (process.env.STUCK === "${name}") await new Promise(() => {});
    console.log(JSON.stringify({ level: "info", time: "2026-01-05T14:30:00.123Z", service: "${name}", msg: "It runs." }));
    return {
      ports: { public: 7010, grpc: 7011, admin: 7012 },
      async stop() {
        if (process.env.HANGING === "${name}") await new Promise(() => {});
        writeFileSync("${name}.drained", "");
        server.close();
      },
    };
  });`;

export interface ServicesCheckout extends Checkout {
  drained(name: string): boolean;
}

export function createServicesCheckout(...names: readonly string[]): ServicesCheckout {
  const checkout = createCheckout({ "apps/console/package.json": { nx: { name: "console", targets: {} } } });
  for (const name of names) {
    checkout.put({
      [`apps/${name}-distribution/package.json`]: app(name),
      [`apps/${name}-distribution/src/main.ts`]: service(name),
    });
  }
  return { ...checkout, drained: (name) => existsSync(join(checkout.root, `${name}.drained`)) };
}

export interface RecordedScreen extends Screen {
  text(): string;
}

export function recordScreen(): RecordedScreen {
  const lines: string[] = [];
  const add = (line: string): void => void lines.push(line);
  return { out: add, note: add, tint: (_style, text) => text, text: () => lines.join("\n") };
}

/** What comes to be true at some time: long enough for a machine that has much else to do. */
export const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 30_000, interval: 10 });
