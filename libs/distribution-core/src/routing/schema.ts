/** What a route's definition may look like; operators write them, so every mistake is named with its path. */
import { z } from "zod";
import { DistributionError, type FieldError } from "../errors.ts";
import { patternMistake } from "../events/index.ts";
import type { RouteDefinition } from "./contract.ts";

/** Bounds on a rule set, which is compiled as a whole with every change. */
export const MAX_ROUTES = 1000;
const MAX_LISTED = 1000;

const pattern = z.string().superRefine((text, context) => {
  const mistake = patternMistake(text);
  if (mistake) context.addIssue({ code: "custom", message: mistake });
});
const patterns = z.array(pattern).min(1, "Leave the condition out to match everything.").max(MAX_LISTED).optional();

const routeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/, "Use 1 to 64 characters of a-z, 0-9 and -.")
    .refine((name) => name !== "default", "default is the rule that is always there; use another name."),
  when: z.strictObject({
    topics: patterns.describe("Patterns of topics that publishers name. Absent: every topic but internal ones."),
    types: patterns.describe("Patterns of event types. Absent: every type."),
    keys: z
      .array(z.string().max(256))
      .min(1, "Leave the condition out to match every key.")
      .max(MAX_LISTED)
      .optional()
      .describe("Event keys. Absent: every key."),
    filter: z.string().min(1, "Leave the condition out to match every event.").max(4096).optional(),
  }),
  to: z.array(z.string()).max(64).describe("Topics that matching events go to. Empty: where they were going anyway."),
  priority: z.int().min(0).max(9).optional().describe("Written into Event.priority."),
  regions: z
    .array(z.string().regex(/^[a-z0-9-]{1,32}$/, "Use 1 to 32 characters of a-z, 0-9 and -."))
    .min(1, "Leave regions out to say nothing about them.")
    .max(32)
    .optional()
    .describe("Written into the event's extension regions."),
  stop: z.boolean().optional().describe("No later rule is tried when this one matches. Default false."),
});

const routesSchema = z.array(routeSchema).max(MAX_ROUTES, `At most ${MAX_ROUTES} routes are taken.`);

/** Throws `invalid_request` with every mistake in the shape of the definitions. */
export function checkRouteShapes(definitions: unknown): readonly RouteDefinition[] {
  const checked = routesSchema.safeParse(definitions);
  if (checked.success) return checked.data;
  const errors = checked.error.issues.map((issue): FieldError => {
    return { path: pathText(issue.path), message: issue.message };
  });
  throw new DistributionError("invalid_request", describe(errors), { errors });
}

export function describe(errors: readonly FieldError[]): string {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return `${first?.path}: ${first?.message}${more}`;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, step) => (typeof step === "number" ? `${text}[${step}]` : `${text}.${String(step)}`),
    "routes",
  );
}
