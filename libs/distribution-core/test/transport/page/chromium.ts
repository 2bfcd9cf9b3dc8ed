/** A real browser: Debian's chromium, or what CHROMIUM names. */
import { type Browser, chromium } from "playwright-core";

const path = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Without its sandbox, which containers do not allow, and without the calls home that it makes by itself. */
export function launchChromium(): Promise<Browser> {
  const quiet = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath: path, args: ["--no-sandbox", "--disable-gpu", ...quiet] });
}
