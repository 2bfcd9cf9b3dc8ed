/** From a subscriber's text to a filter: parsed, bounded, checked against the schema, and split for the index. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { ParseResult } from "@marcbachmann/cel-js";
import { type DecodedEvent, decodeEvent } from "../../events/fields/index.ts";
import type { Filter, TopicSchema } from "../contract.ts";
import { canonicalOf } from "./canonical.ts";
import { checkCost, checkNames, explain, invalid } from "./check.ts";
import { createEnvironment, type FilterEnvironment } from "./environment.ts";
import { DEFAULT_LIMITS, enforce, type FilterLimits } from "./limits.ts";
import { normalize } from "./normalize.ts";
import { rewrite } from "./rewrite.ts";
import { type ASTNode, TYPE_VARIABLE, walk } from "./syntax.ts";
import { type Conjunction, type FilterPlan, setPlan, type Term } from "./terms.ts";

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
  const program = compile(source, schema.message, environment, all);
  return createFilter(source, schema.message, program, environment);
}

/** Parsing and checking come twice where the text is rewritten: the second tree is the one that runs. */
function compile(
  source: string,
  message: DescMessage | undefined,
  environment: FilterEnvironment,
  limits: FilterLimits,
): ParseResult {
  try {
    const given = environment.cel.parse(source);
    checkCost(given.ast, limits);
    const rewritten = rewrite(source, given.ast, message);
    const program = rewritten === source ? given : environment.cel.parse(rewritten);
    checkNames(program.ast, message);
    const { valid, type, error } = program.check();
    if (!valid) throw error;
    if (type !== "bool" && type !== "dyn") throw invalid(`gives ${type}, not true or false; compare it with something`);
    return program;
  } catch (failure) {
    if (failure instanceof Error && failure.name === "DistributionError") throw failure;
    throw explain(failure, environment, limits);
  }
}

function createFilter(
  source: string,
  message: DescMessage | undefined,
  program: ParseResult,
  environment: FilterEnvironment,
): Filter {
  const readsData = namesData(program.ast);
  const testDecoded = (event: DecodedEvent): boolean => {
    if (readsData && event.data === undefined) return false;
    try {
      return program({ ...event, [TYPE_VARIABLE]: event.type }) === true;
    } catch {
      return false;
    }
  };
  const filter: Filter = {
    source,
    canonical: canonicalOf(program.ast),
    test(bytes) {
      const event = decodeEvent(bytes, message, environment.create);
      return event !== undefined && testDecoded(event);
    },
  };
  const conjunctions = normalize(program.ast, true, message).map((one) => (readsData ? requirePayload(one) : one));
  const plan: FilterPlan = { message, conjunctions, create: environment.create, testDecoded };
  setPlan(filter, plan);
  return Object.freeze(filter);
}

function namesData(tree: ASTNode): boolean {
  let found = false;
  walk(tree, (node) => {
    found ||= node.op === "id" && node.args === "data";
  });
  return found;
}

const PAYLOAD: Term = { op: "exists", field: { path: ["data"], elements: false } };

/** Terms on the payload imply that it can be read; a conjunction without one has to say so. */
function requirePayload(conjunction: Conjunction): Conjunction {
  const implied = conjunction.terms.some(({ op, field }) => op !== "absent" && field.path[0] === "data");
  return implied ? conjunction : { ...conjunction, terms: [...conjunction.terms, PAYLOAD] };
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
