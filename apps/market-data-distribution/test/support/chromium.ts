/** A real browser: Debian's chromium, or what CHROMIUM names. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PATH = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Why the browser's tests cannot run on this machine; undefined where they can. */
export const chromiumMissing = existsSync(PATH) ? undefined : `there is no browser at ${PATH} (CHROMIUM names another)`;

/** Without its sandbox, which containers do not allow, and without the calls home that it makes by itself. */
export function launchChromium(): Promise<Browser> {
  const quiet = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath: PATH, args: ["--no-sandbox", "--disable-gpu", ...quiet] });
}
