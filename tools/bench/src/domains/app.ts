/** A domain's service, the real one, as a process on the server core, with a data folder that goes with it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DOMAINS, type WorldDomain } from "@distribution/simulated-world";
import { SERVER_CORE, startPinned } from "../harness/pinned.ts";

/** The one domain that the simulated world leaves out: its service has recordings instead. */
export const RECORDED = "market-data";

export type Domain = WorldDomain | typeof RECORDED;

export const ALL_DOMAINS: readonly Domain[] = [RECORDED, ...DOMAINS];

export interface App extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
}

/** Of what a ready service tells the one who started it. */
interface Report {
  readonly ports: { readonly public: number };
}

/** Settings are without the prefix of the service: `FEED`. */
export async function startApp(domain: Domain, settings: Readonly<Record<string, string>>): Promise<App> {
  const directory = mkdtempSync(join(tmpdir(), `bench-${domain}-`));
  const all = { PORT: "0", GRPC_PORT: "0", ADMIN_PORT: "0", LOG_LEVEL: "warn", DATA_DIR: directory, ...settings };
  const prefix = domain.toUpperCase().replace("-", "_");
  const env = Object.fromEntries(Object.entries(all).map(([name, value]) => [`${prefix}_${name}`, value]));
  const main = new URL(`../../../../apps/${domain}-distribution/src/main.ts`, import.meta.url);
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(directory, { recursive: true }));
  const server = stack.use(startPinned(SERVER_CORE, main, [], [], env));
  const { ports } = await server.answer<Report>();
  const owned = stack.move();
  return {
    pid: server.pid,
    url: `http://127.0.0.1:${ports.public}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
