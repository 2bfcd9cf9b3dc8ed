/**
 * Every law on a real Pulsar through npm's `pulsar-client`, wherever that is installed (NODE_PATH is looked at as well). Its prebuilt
 * library comes from GitHub, so that continuous integration has it not.
 */
import { describe } from "vitest";
import { isInstalled } from "./native/installed.ts";
import { describePulsarConformance } from "./support/conformance.ts";

describe.skipIf(!isInstalled).each([
  { how: "packed", form: "packed" },
  { how: "as CloudEvents", form: "cloudevents" },
] as const)("the native client, $how:", ({ form }) => {
  describePulsarConformance({ options: { client: "native", recordsOf: () => form }, quietMs: 1000 });
});
