/** Who may import whom, as data. Judged for `src/` only: a test may use any project it likes. */

/** A project's `type:` tag in its package.json. */
export type Kind =
  | "app"
  | "core"
  | "broker"
  | "protocol"
  | "bridge"
  | "store"
  | "base"
  | "proto"
  | "client"
  | "testkit"
  | "tool"
  | "world";

/** What each kind may import. No kind imports an app: domains meet only over the wire. */
export const MAY_IMPORT: Readonly<Record<Kind, readonly Kind[]>> = {
  app: ["base", "core", "broker", "bridge", "store", "proto", "world"],
  core: ["base", "proto"],
  broker: ["base", "broker", "core", "proto", "protocol"],
  protocol: ["base", "proto"],
  bridge: ["base", "core", "proto"],
  store: ["base", "core", "proto"],
  client: ["base", "proto"],
  base: [],
  proto: [],
  testkit: ["base", "core", "proto"],
  tool: ["base", "core", "broker", "protocol", "bridge", "store", "proto", "client", "testkit", "tool", "world"],
  world: ["base", "core", "proto", "client"],
};

/** The one file of an app that may import a kind: nothing else of a service knows that its upstream is simulated. */
export const ONLY_FILE: Readonly<Partial<Record<Kind, string>>> = { world: "src/simulator.ts" };

const FOUNDATION_FACES = ["brokers", "errors", "events", "observability", "ownership", "runtime", "topics"];

/** Kinds that know the core by its contracts only, and the subpaths of its package where those are. The package itself is the whole service: not theirs. */
export const CORE_FACES: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  broker: FOUNDATION_FACES,
  bridge: [...FOUNDATION_FACES, "security", "transport"],
  store: [...FOUNDATION_FACES, "control", "security"],
  world: ["errors", "events", "runtime"],
};

/** The core's own folder, relative to the checkout. */
export const CORE_SOURCE = "libs/distribution-core/src";

/** What every stage stands on. Each may use those before it. */
export const FOUNDATION: readonly string[] = [
  "errors.ts",
  "topics.ts",
  "ownership.ts",
  "runtime",
  "observability",
  "events",
  "brokers",
  "config.ts",
  "security",
];

/**
 * The stages, in the order an event passes them. A stage may use the foundation, the `contract.ts` of any stage, and what an
 * earlier stage shows in an `index.ts`; never the inside of another, never a later one. Files beside the folders that are not
 * of the foundation (the face, the service) put the stages together: they use all, and no stage uses them.
 */
export const STAGES: readonly string[] = [
  "ingest",
  "ingress",
  "transforms",
  "routing",
  "tail",
  "projections",
  "subscriptions",
  "qos",
  "transport",
  "control",
  "life",
];

/** Stages whose inside later ones may use: interest classes and their encoders are what qos and transport work on. */
export const OPEN_STAGES: readonly string[] = ["subscriptions"];
