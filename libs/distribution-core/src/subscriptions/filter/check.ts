/** What a filter may not do, and the words in which it is told so. */
import type { DescMessage } from "@bufbuild/protobuf";
import { type DistributionError, fieldError } from "../../errors.ts";
import { CLASS_NAMES, ENVELOPE_KINDS, kindOf } from "../../events/fields/index.ts";
import type { FilterEnvironment } from "./environment.ts";
import { enforce, FILTER_PATH, type FilterLimits, tooCostly } from "./limits.ts";
import { didYouMean } from "./suggest.ts";
import { type ASTNode, COMPREHENSIONS, calledName, childrenOf, pathOf, walk } from "./syntax.ts";

/** Functions whose cost is linear in what they are given. */
const FUNCTIONS: ReadonlySet<string> = new Set([
  ...["has", "size", "int", "double", "string", "bool", "startsWith", "endsWith", "contains"],
  ...["lowerAscii", "upperAscii", "trim", ...COMPREHENSIONS],
]);

export const invalid = (message: string): DistributionError => fieldError("invalid_filter", FILTER_PATH, message);

/** Throws filter_too_costly, or invalid_filter for a function that filters do not have. */
export function checkCost(tree: ASTNode, limits: FilterLimits): void {
  let items = 0;
  let comprehensions = 0;
  walk(tree, (node) => {
    if (node.op === "list") items += node.args.length;
    if (node.op === "map") throw invalid("map literals are not offered in filters; compare the fields one by one");
    const name = calledName(node);
    if (name === undefined) return;
    checkFunction(name);
    if (node.op === "rcall" && COMPREHENSIONS.has(name)) {
      comprehensions++;
      for (const child of childrenOf(node)) walk(child, refuseNested);
    }
  });
  enforce("maxListItems", limits, items, "list items");
  enforce("maxComprehensions", limits, comprehensions, "list macros");
}

function checkFunction(name: string): void {
  if (name === "matches") {
    const message =
      "matches() is not offered: the cost of a regular expression has no bound; use startsWith, endsWith or contains";
    throw fieldError("filter_too_costly", FILTER_PATH, message);
  }
  if (!FUNCTIONS.has(name)) {
    const offered = [...FUNCTIONS].join(", ");
    throw invalid(`there is no function ${JSON.stringify(name)}${didYouMean(name, FUNCTIONS)} Filters have ${offered}`);
  }
}

function refuseNested(node: ASTNode): void {
  const name = calledName(node);
  if (name === undefined || node.op !== "rcall" || !COMPREHENSIONS.has(name)) return;
  const message = `${name}() within another list macro is not offered: its cost is no longer linear in the event; nest at most 1 deep`;
  throw fieldError("filter_too_costly", FILTER_PATH, message);
}

/** Constants that can never be equal to what they are compared with, because they name no value of the enum. */
export function checkNames(tree: ASTNode, message: DescMessage | undefined): void {
  walk(tree, (node) => {
    if (node.op !== "==" && node.op !== "!=" && node.op !== "in") return;
    const [left, right] = node.args;
    const names = valueNames(left, message) ?? valueNames(right, message);
    if (!names) return;
    for (const side of [left, right]) {
      for (const item of side.op === "list" ? side.args : [side]) {
        if (item.op !== "value" || typeof item.args !== "string" || names.includes(item.args)) continue;
        if (/^-?\d+$/.test(item.args)) continue;
        throw invalid(
          `${JSON.stringify(item.args)} is no value of its field${didYouMean(item.args, names)}; values are ${names.join(", ")}`,
        );
      }
    }
  });
}

/** The names that the expression's value can have, where the schema lists them. */
function valueNames(node: ASTNode, message: DescMessage | undefined): readonly string[] | undefined {
  const path = pathOf(node);
  if (path?.length === 1 && path[0] === "class") return CLASS_NAMES;
  if (path?.[0] !== "data" || !message) return undefined;
  let within: DescMessage | undefined = message;
  for (const name of path.slice(1)) {
    const field: DescMessage["fields"][number] | undefined = within?.fields.find(
      (candidate) => candidate.name === name,
    );
    if (field && kindOf(field) === "enum") return field.enum?.values.map((value) => value.name);
    within = field?.fieldKind === "message" ? field.message : undefined;
  }
  return undefined;
}

/** The failures of CEL's parser and type checker, which name a code, a place and often a node. */
interface CelFailure {
  readonly code?: string;
  readonly summary?: string;
  readonly range?: { readonly start: number };
  /** Of the parser's failures: no more than a place (`start`) in the text (`input`). */
  readonly node?: ASTNode;
}

export function explain(
  failure: unknown,
  environment: FilterEnvironment,
  limits: FilterLimits,
): DistributionError | Error {
  if (failure instanceof RangeError) return tooCostly("maxDepth", limits, "levels of nesting");
  const { code, summary, range, node } = failure as CelFailure;
  if (code === "limit_exceeded") {
    const [, name] = /Exceeded (\w+)/.exec(summary ?? "") ?? [];
    if (name === "maxDepth") return tooCostly("maxDepth", limits, "levels of nesting");
    return name === "maxListElements"
      ? tooCostly("maxListItems", limits, "list items")
      : tooCostly("maxNodes", limits, "nodes");
  }
  const place = range ? ` at character ${range.start + 1}` : "";
  return invalid(`${summary ?? String(failure)}${place}${hint(code, node, environment)}`);
}

/** What CloudEvents, as clients get and publish them, call what has a shorter name here. */
const FILTER_NAMES: Readonly<Record<string, string>> = { partitionkey: "key", eventclass: "class" };

function hint(code: string | undefined, node: ASTNode | undefined, environment: FilterEnvironment): string {
  if (code === "unexpected_character" && node?.input[node.start] === "=") return "; equality is ==";
  if (code === "unknown_variable" && node?.op === "id") {
    const paths = environment.fieldsOf(environment.root).map((name) => `data.${name}`);
    const names = [...Object.keys(ENVELOPE_KINDS), "extensions", "data"];
    const said = FILTER_NAMES[node.args];
    const meant =
      said === undefined ? didYouMean(node.args, [...names, ...paths]) || "." : `; in filters it is ${said}.`;
    return `${meant} Filters name data and ${names.slice(0, -1).join(", ")}`;
  }
  if (code === "no_such_key" && (node?.op === "." || node?.op === "[]")) {
    const [left, right] = node.args as [ASTNode & { checkedType?: { name: string } }, string | ASTNode];
    const name = typeof right === "string" ? right : String(right.args);
    const fields = environment.fieldsOf(left.checkedType?.name ?? "");
    return `${didYouMean(name, fields) || "."} ${left.checkedType?.name} has ${fields.join(", ")}`;
  }
  return code === "no_such_overload" ? "; compare values of one type" : "";
}
