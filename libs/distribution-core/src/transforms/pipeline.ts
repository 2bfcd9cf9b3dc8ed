/** Steps in a row, each kept apart from the others' failures, and a result that is valid or refused. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { Event } from "@distribution/proto-types/distribution/v1/event";
import { DistributionError, type FieldError, fieldError } from "../errors.ts";
import { createEnvelope, createPayloadCodec, encodeEvent, validateEnvelope } from "../events/index.ts";
import type { Draft, Pipeline, Step } from "./contract.ts";
import { closeDraft, openDraft } from "./payload.ts";

/** Events that one event may become; a step that makes more is broken. */
export const MAX_RESULTS = 1000;

export interface PipelineOptions {
  /** At least one; names are unique. */
  readonly steps: readonly Step[];
  /** The message of protobuf payloads that come in. Absent: protobuf payloads pass as opaque bytes. */
  readonly input?: DescMessage;
  /** The message of every payload that goes out, in protobuf or JSON. Absent: JSON of any shape, or opaque bytes. */
  readonly output?: DescMessage;
}

/** Throws `invalid_request` at `steps[i].name` on a name that is used twice, and at `steps` when there is none. */
export function createPipeline({ steps, input, output }: PipelineOptions): Pipeline {
  checkNames(steps);
  const inputCodec = input && createPayloadCodec(input);
  const outputCodec = output && createPayloadCodec(output);
  const envelope = createEnvelope();
  const finish = (draft: Draft): Event => {
    const event = closeDraft(draft, outputCodec);
    const bytes = encodeEvent(event);
    envelope.read(bytes, 0, bytes.length);
    validateEnvelope(envelope);
    return event;
  };
  return {
    steps: steps.map((step) => step.name),
    apply(event, path = "event") {
      const opened = guarded(path, "The payload cannot be read", () => [openDraft(event, inputCodec)]);
      const drafts = steps.reduce<readonly Draft[]>((before, step) => runStep(step, before, path), opened);
      return guarded(path, "The pipeline's result is not valid", () => drafts.map(finish));
    },
  };
}

function checkNames(steps: readonly Step[]): void {
  if (steps.length === 0) throw fieldError("invalid_request", "steps", "A pipeline has at least one step.");
  for (const [index, { name }] of steps.entries()) {
    if (steps.findIndex((step) => step.name === name) === index) continue;
    const message = `Another step is called ${name}. Give each its own name: errors call it by that.`;
    throw fieldError("invalid_request", `steps[${index}].name`, message);
  }
}

function runStep(step: Step, drafts: readonly Draft[], path: string): readonly Draft[] {
  const results = guarded(path, `Step ${step.name}`, () => drafts.flatMap((draft) => step.run(draft) ?? []));
  if (results.length <= MAX_RESULTS) return results;
  const message = `Step ${step.name} made ${results.length} events of it; the limit is ${MAX_RESULTS}.`;
  throw fieldError("invalid_event", path, message);
}

/** Whatever goes wrong within becomes an `invalid_event` below `path` that says where in the pipeline it was. */
function guarded<T>(path: string, where: string, run: () => T): T {
  try {
    return run();
  } catch (failure) {
    const fields = failure instanceof DistributionError ? failure.errors : [];
    const reason = failure instanceof Error ? failure.message : String(failure);
    const errors: FieldError[] = fields.map((field) => {
      return { path: placeBelow(path, field.path), message: `${where}: ${field.message}` };
    });
    if (errors.length === 0) errors.push({ path, message: `${where}: ${reason}` });
    const [first] = errors;
    throw new DistributionError("invalid_event", `${first?.path}: ${first?.message}`, { errors, cause: failure });
  }
}

/** Paths of steps are relative to the event; those of the events stage begin with `event`. */
function placeBelow(path: string, relative: string): string {
  if (relative === "event" || relative === "") return path;
  return `${path}.${relative.replace(/^event\./, "")}`;
}
