/** Endpoints that answer from projections: each says where its answer is true, and nobody is sent what they have. */
import { DistributionError, type ErrorCode, fieldError } from "../../errors.ts";
import { formatTime } from "../../events/index.ts";
import { type Answer, PAGE_LIMIT } from "../../projections/index.ts";
import type { Action } from "../../security/contract.ts";
import type { JsonSchema, OperationDocument } from "../documents/operation-document.ts";
import { arrayOf, jsonContent, objectOf, schemaRef } from "../documents/schemas.ts";
import { answeredBefore, IF_NONE_MATCH } from "./entity-tag.ts";
import { defineOperation, type Operation, type OperationCall } from "./operation.ts";
import { defaultedQuery, integer, optionalQuery, type Parameters, type ParameterValues, text } from "./parameters.ts";

export interface ReadOperation<P extends Parameters>
  extends Pick<OperationDocument, "id" | "path" | "tag" | "summary" | "description"> {
  readonly parameters: P;
  readonly answers: {
    readonly description: string;
    /** Of the body, beside `positions` and `completeFrom`; all there unless they are named in `optional`. */
    readonly properties: Readonly<Record<string, JsonSchema>>;
    readonly optional?: readonly string[];
  };
  /** Beyond those that every such request can meet. */
  readonly errors: readonly ErrorCode[];
  /** What the caller must be allowed to do. Absent: to be identified is enough, or `read` asks by itself. */
  action?(values: ParameterValues<P>): Action;
  /** The body. A `limit` or `cursor` that a projection refuses is named as the parameter of that name. */
  read(call: Pick<OperationCall<P>, "values" | "context">): Answer<object>;
}

/** A GET that answers `{positions, completeFrom?, ...body}` with an ETag, or 304 to If-None-Match while nothing of it changed. */
export function defineRead<const P extends Parameters>(definition: ReadOperation<P>): Operation {
  const { parameters, answers, errors, action, read, ...document } = definition;
  return defineOperation<P & { readonly "If-None-Match": typeof IF_NONE_MATCH }>({
    ...document,
    method: "get",
    parameters: { ...parameters, "If-None-Match": IF_NONE_MATCH },
    responses: {
      200: {
        description: answers.description,
        headers: { ETag: "Stands for what was read." },
        content: jsonContent(bodySchema(answers)),
      },
      304: { description: "Nothing of it has changed since the answer with the ETag.", headers: { ETag: "As asked." } },
    },
    errors: [...errors, "unavailable"],
    ...(action && { action: (values) => action(values as unknown as ParameterValues<P>) }),
    handle({ response, context, values }) {
      const own = values as unknown as ParameterValues<P>;
      const { value, positions, completeFrom, tag } = namingParameters(parameters, () =>
        read({ context, values: own }),
      );
      if (answeredBefore(response, (values as { "If-None-Match"?: string })["If-None-Match"], tag)) return;
      const since = completeFrom === undefined ? {} : { completeFrom: formatTime(completeFrom) };
      response.json({ positions, ...since, ...value });
    },
  });
}

/** `limit` and `cursor` of a paged list, which `list` of a projection takes as they are. */
export function pageParameters(bounds: { readonly default: number; readonly max?: number }, description: string) {
  return {
    limit: defaultedQuery(integer({ min: 1, max: bounds.max ?? PAGE_LIMIT }), bounds.default, { description }),
    cursor: optionalQuery(text({ maxBytes: 4096 }), {
      description: "`next` of the page before; everything else as it was asked there.",
    }),
  };
}

/** The `answers` of a paged list: these properties, and where to read on, as `mapPage` makes them. */
export function pageAnswers(
  description: string,
  properties: Readonly<Record<string, JsonSchema>>,
): ReadOperation<Parameters>["answers"] {
  return { description, properties: { ...properties, next: NEXT_SCHEMA }, optional: ["next"] };
}

const NEXT_SCHEMA: JsonSchema = {
  type: "string",
  description: "Give it as `cursor` to read on. Absent: there are no more.",
};

function bodySchema({ properties, optional = [] }: ReadOperation<Parameters>["answers"]): JsonSchema {
  const positions = arrayOf(
    schemaRef("Position"),
    "The answer is true at these: subscribe after them, and nothing is missing or twice.",
  );
  const completeFrom = {
    type: "string",
    format: "date-time",
    description: "Events appended before this may be missing, as the log no longer had them. Absent: none are.",
  };
  return objectOf({ positions, completeFrom, ...properties }, ["completeFrom", ...optional]);
}

/** Errors of a projection's own fields name the parameter that the client wrote. */
function namingParameters<T>(parameters: Parameters, run: () => T): T {
  try {
    return run();
  } catch (failure) {
    const [error] = failure instanceof DistributionError ? failure.errors : [];
    const parameter = error && parameters[error.path];
    if (!parameter) throw failure;
    throw fieldError((failure as DistributionError).code, `${parameter.in}.${error.path}`, error.message);
  }
}
