/** Every bound of ingest, with its unit, default and range. */
import { z } from "zod";
import { DistributionError } from "../errors.ts";
import { windowTableBytes } from "./duplicate-window.ts";
import { PUBLISH_BYTES } from "./taken-publish.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

const whole = (least: number, most: number) => z.int().min(least).max(most);

export const ingestBoundsSchema = z
  .strictObject({
    eventBytes: whole(1, 64 * MiB)
      .default(MiB)
      .describe("Longest event as published, bytes."),
    batchBytes: whole(1, 512 * MiB)
      .default(8 * MiB)
      .describe("Largest batch of one publish, bytes."),
    batchEvents: whole(1, 1_000_000).default(10_000).describe("Most events of one publish."),
    inFlightBytes: whole(1, 2 ** 40)
      .default(64 * MiB)
      .describe("Bytes published and not yet durable; more is refused."),
    inFlightBatches: whole(1, 1_000_000).default(4096).describe("Publishes not yet durable; more are refused."),
    inFlightEvents: whole(1, 16_777_216).default(262_144).describe("Events not yet durable; more are refused."),
    retryAfterMs: whole(1, 60_000).default(100).describe("What a refused publisher is told to wait, milliseconds."),
    windowEvents: whole(1, 64_000_000).default(1_000_000).describe("Newest events known for deduplication."),
    windowMs: whole(1, 7 * 86_400_000)
      .default(600_000)
      .describe("Age up to which events are known, milliseconds."),
    windowBytes: whole(1, 2 ** 40)
      .default(256 * MiB)
      .describe("Memory of the deduplication window, bytes."),
    restoreBytes: whole(1, 2 ** 40)
      .default(1024 * MiB)
      .describe("Bytes of the log read, in one go, to know it again."),
    unseenPublishes: whole(1, 1_000_000)
      .default(4096)
      .describe("Publishes to one partition that its topic's rule cannot judge by yet; more are refused."),
    unseenEvents: whole(1, 1_000_000_000)
      .default(100_000)
      .describe("Events of one partition by which what a rule judges by may be behind; then publishes are refused."),
    sequenceKeys: whole(2, 64_000_000).default(262_144).describe("Pairs of source and key whose sequence is checked."),
  })
  .superRefine((bounds, context) => {
    if (bounds.batchEvents > bounds.inFlightEvents) {
      const message = `It is ${bounds.batchEvents}; it must not be over inFlightEvents, ${bounds.inFlightEvents}.`;
      context.addIssue({ code: "custom", path: ["batchEvents"], message });
    }
    if (bounds.batchEvents > bounds.windowEvents) {
      const message = `It is ${bounds.batchEvents}; it must not be over windowEvents, ${bounds.windowEvents}.`;
      context.addIssue({ code: "custom", path: ["batchEvents"], message });
    }
    if (bounds.batchBytes > bounds.inFlightBytes) {
      const message = `It is ${bounds.batchBytes}; it must not be over inFlightBytes, ${bounds.inFlightBytes}.`;
      context.addIssue({ code: "custom", path: ["batchBytes"], message });
    }
    const least = leastWindowBytes(bounds);
    if (bounds.windowBytes < least) {
      const message = `It is ${bounds.windowBytes}; with these windowEvents and inFlightEvents it is at least ${least}.`;
      context.addIssue({ code: "custom", path: ["windowBytes"], message });
    }
  });

export type IngestBounds = Readonly<z.infer<typeof ingestBoundsSchema>>;

/** Fills in the defaults. Throws `invalid_request` naming each bound that is out of its range, and the range. */
export function ingestBoundsOf(given: Partial<IngestBounds>): IngestBounds {
  const checked = ingestBoundsSchema.safeParse(given);
  if (checked.success) return checked.data;
  const errors = checked.error.issues.map((issue) => ({
    path: ["bounds", ...issue.path].join("."),
    message: issue.message,
  }));
  const text = errors.map((error) => `${error.path}: ${error.message}`).join(" ");
  throw new DistributionError("invalid_request", text, { errors });
}

/** The table of the window is fixed; beside it there is room for one publish at least. Bytes. */
export function leastWindowBytes(bounds: Pick<IngestBounds, "windowEvents" | "inFlightEvents">): number {
  return windowTableBytes({ events: bounds.windowEvents, pendingEvents: bounds.inFlightEvents }) + PUBLISH_BYTES;
}
