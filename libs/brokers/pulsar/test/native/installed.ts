/** Whether npm's `pulsar-client` is there to be tested with. */
import { createRequire } from "node:module";

export const isInstalled = ((): boolean => {
  try {
    createRequire(import.meta.url).resolve("pulsar-client");
    return true;
  } catch {
    console.warn("SKIPPED: what needs npm's pulsar-client, which is not installed here.");
    return false;
  }
})();
