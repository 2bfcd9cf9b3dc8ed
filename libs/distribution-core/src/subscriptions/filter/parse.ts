/** From a subscriber's text to a filter: parsed, bounded, checked against the schema, and split for the index. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { ParseResult } from "@marcbachmann/cel-js";
import type { Filter, TopicSchema } from "../contract.ts";
import { CelFilter } from "./cel-filter.ts";
import { checkCost, checkNames, explain, invalid } from "./check.ts";
import { createEnvironment, type FilterEnvironment } from "./environment.ts";
import { DEFAULT_LIMITS, enforce, type FilterLimits } from "./limits.ts";
import { rewrite } from "./rewrite.ts";

/**
 * Parses a filter in CEL over one event: `data` (the payload), `id`, `source`, `type`, `subject`, `key` (strings),
 * `class` ("trade", "quote", ...), `time` (int, Unix nanoseconds), `sequence`, `priority` (ints) and `extensions` (a map).
 *
 * - An absent field is an error, an error is no match, and `||` and `&&` absorb errors as CEL has it. `has()` asks.
 *   Fields of a protobuf schema without presence are never absent: they read as "", 0 or false, in JSON too.
 * - Enums are compared by name, decimals (option distribution.v1.decimal) as the nearest double: exact to 15 significant digits.
 *   All integers are `int`, compared exactly whatever their size; a constant of 2^53 or more is decided outside the index.
 *   JSON numbers without a schema are doubles, integers beyond 2^53 apart.
 * - A payload that is absent, of another content type than JSON or protobuf, or unreadable matches no filter that names `data`.
 *
 * Throws `invalid_filter` (syntax, unknown field, wrong type, not a condition) or `filter_too_costly` (a limit), path `filter`.
 */
export function parseFilter(source: string, schema: TopicSchema, limits: Partial<FilterLimits> = {}): Filter {
  if (typeof source !== "string") throw invalid('is no text; give a CEL expression such as data.symbol == "ACME"');
  const all: FilterLimits = { ...DEFAULT_LIMITS, ...limits };
  enforce("maxLength", all, source.length, "characters");
  if (!source.isWellFormed()) throw invalid("contains half of a surrogate pair; give well-formed Unicode");
  const environment = environmentOf(schema.message, all);
  return new CelFilter({
    source,
    message: schema.message,
    environment,
    ...compile(source, schema.message, environment, all),
  });
}

interface Compiled {
  /** What runs: the source, with what the schema says of it. */
  readonly text: string;
  /** Parsed of the text. */
  readonly program: ParseResult;
}

/** Parsing and checking come twice where the text is rewritten: the second tree is the one that runs. */
function compile(
  source: string,
  message: DescMessage | undefined,
  environment: FilterEnvironment,
  limits: FilterLimits,
): Compiled {
  try {
    const given = environment.cel.parse(source);
    checkCost(given.ast, limits);
    const text = rewrite(source, given.ast, message);
    const program = text === source ? given : environment.cel.parse(text);
    checkNames(program.ast, message);
    const { valid, type, error } = program.check();
    if (!valid) throw error;
    if (type !== "bool" && type !== "dyn") throw invalid(`gives ${type}, not true or false; compare it with something`);
    return { program, text };
  } catch (failure) {
    if (failure instanceof Error && failure.name === "DistributionError") throw failure;
    throw explain(failure, environment, limits);
  }
}

/** An environment takes longer to make than a filter to parse; those with default limits are kept with their schema. */
const environments = new WeakMap<object, FilterEnvironment>();
const NO_SCHEMA = {};

function environmentOf(message: DescMessage | undefined, limits: FilterLimits): FilterEnvironment {
  const standard =
    limits.maxNodes === DEFAULT_LIMITS.maxNodes &&
    limits.maxDepth === DEFAULT_LIMITS.maxDepth &&
    limits.maxListItems === DEFAULT_LIMITS.maxListItems;
  if (!standard) return createEnvironment(message, limits);
  const known = environments.get(message ?? NO_SCHEMA);
  if (known) return known;
  const made = createEnvironment(message, limits);
  environments.set(message ?? NO_SCHEMA, made);
  return made;
}
