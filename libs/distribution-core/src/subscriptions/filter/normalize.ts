/**
 * From a syntax tree to a disjunction of conjunctions of terms.
 *
 * CEL has three outcomes: true, false and error, and a filter matches on true only. So both "is true" and "is false" are
 * derived, side by side, and negation swaps them: neither ever needs a negated term, and an error is where neither holds.
 * `a || b` is true when one side is, whatever the other; `a && b` is false when one side is. What no term can say is left out
 * of its conjunction, which is then only necessary, and marked to be verified.
 */
import type { DescMessage } from "@bufbuild/protobuf";
import { fieldKey } from "../../events/fields/index.ts";
import { above, below, type Constant, isExact, literalOf, toConstant } from "./constants.ts";
import { elementsOf, fieldOf, type KnownField } from "./fields.ts";
import { type ASTNode, calledName } from "./syntax.ts";
import type { Conjunction, Term } from "./terms.ts";

/** Most alternatives of one filter in the index; beyond it, what would multiply them is verified instead. */
export const MAX_CONJUNCTIONS = 64;

const ALWAYS: readonly Conjunction[] = [{ terms: [], verify: false }];
const NEVER: readonly Conjunction[] = [];
const UNKNOWN: readonly Conjunction[] = [{ terms: [], verify: true }];

/** When the expression gives `outcome`. */
export function normalize(node: ASTNode, outcome: boolean, message: DescMessage | undefined): readonly Conjunction[] {
  const both = (inner: ASTNode, wanted: boolean): readonly Conjunction[] => normalize(inner, wanted, message);
  switch (node.op) {
    case "&&":
    case "||": {
      const parts = operands(node, node.op).map((part) => both(part, outcome));
      return (node.op === "&&") === outcome ? conjoin(parts) : disjoin(parts);
    }
    case "!_":
      return both(node.args, !outcome);
    case "?:": {
      const [condition, then, otherwise] = node.args;
      const yes = conjoin([both(condition, true), both(then, outcome)]);
      return disjoin([yes, conjoin([both(condition, false), both(otherwise, outcome)])]);
    }
    case "value":
      return node.args === outcome ? ALWAYS : NEVER;
    default:
      return atom(node, outcome, message);
  }
}

/** The operands of a chain of one operator. */
export function operands(node: ASTNode, op: "&&" | "||"): ASTNode[] {
  return node.op === op ? node.args.flatMap((part) => operands(part, op)) : [node];
}

function conjoin(parts: readonly (readonly Conjunction[])[]): readonly Conjunction[] {
  let product = ALWAYS;
  // Small factors first: they are kept where the product grows too large.
  for (const part of [...parts].sort((a, b) => a.length - b.length)) {
    if (product.length * part.length > MAX_CONJUNCTIONS) {
      product = product.map(({ terms }) => ({ terms, verify: true }));
      continue;
    }
    product = product.flatMap((left) =>
      part.map((right) => ({ terms: [...left.terms, ...right.terms], verify: left.verify || right.verify })),
    );
  }
  return product.flatMap(intersectRanges);
}

/** `a >= 1 && a < 2` is one band, for which the index has a place; bounds that leave nothing between them never match. */
function intersectRanges(conjunction: Conjunction): readonly Conjunction[] {
  const bands = new Map<string, Term & { op: "range" }>();
  const terms: Term[] = [];
  for (const term of conjunction.terms) {
    if (term.op !== "range") {
      terms.push(term);
      continue;
    }
    const key = fieldKey(term.field);
    const { low, high } = bands.get(key) ?? term;
    bands.set(key, { ...term, low: Math.max(low, term.low), high: Math.min(high, term.high) });
  }
  if ([...bands.values()].some(({ low, high }) => low > high)) return NEVER;
  // As long as it has to be, as filters keep it: `concat` leaves no room behind.
  return [{ terms: terms.concat([...bands.values()]), verify: conjunction.verify }];
}

function disjoin(parts: readonly (readonly Conjunction[])[]): readonly Conjunction[] {
  const merged = mergeEqualities(parts.flat());
  return merged.length > MAX_CONJUNCTIONS ? UNKNOWN : merged;
}

/** `a == 1 || a == 2` is `a in [1, 2]`. */
function mergeEqualities(all: readonly Conjunction[]): readonly Conjunction[] {
  const others: Conjunction[] = [];
  const sets = new Map<string, { readonly term: Term & { op: "in" }; readonly values: Set<Constant> }>();
  for (const conjunction of all) {
    const [term] = conjunction.terms;
    if (conjunction.verify || conjunction.terms.length !== 1 || term?.op !== "in") {
      others.push(conjunction);
      continue;
    }
    const key = fieldKey(term.field);
    const known = sets.get(key);
    if (known) for (const value of term.values) known.values.add(value);
    else sets.set(key, { term, values: new Set(term.values) });
  }
  for (const { term, values } of sets.values()) {
    others.push({ terms: [{ op: "in", field: term.field, values: [...values] }], verify: false });
  }
  return others;
}

const exact = (term: Term): readonly Conjunction[] => [{ terms: [term], verify: false }];
const sieve = (term: Term): readonly Conjunction[] => [{ terms: [term], verify: true }];

function atom(node: ASTNode, outcome: boolean, message: DescMessage | undefined): readonly Conjunction[] {
  const known = fieldOf(node, message);
  if (known) return known.kind === "message" ? UNKNOWN : exact({ op: "in", field: known.field, values: [outcome] });
  switch (node.op) {
    case "==":
    case "!=":
      return equality(node.args, (node.op === "==") === outcome, message);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return order(node.args, node.op, outcome, message);
    case "in":
      return membership(node.args, outcome, message);
    default:
      return call(node, outcome, message);
  }
}

function equality(
  sides: readonly [ASTNode, ASTNode],
  equal: boolean,
  message: DescMessage | undefined,
): readonly Conjunction[] {
  const [known, value] = fieldAndLiteral(sides, message) ?? [];
  if (!known || value === undefined) return UNKNOWN;
  const { field } = known;
  const constant = toConstant(value);
  if (isExact(value)) return exact({ op: equal ? "in" : "notIn", field, values: [constant] });
  if (!equal || typeof constant !== "number") return sieve({ op: "exists", field });
  return sieve({ op: "range", field, low: constant, high: constant });
}

type Comparison = "<" | "<=" | ">" | ">=";
const MIRRORED: Record<Comparison, Comparison> = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" };
const OPPOSITE: Record<Comparison, Comparison> = { "<": ">=", "<=": ">", ">": "<=", ">=": "<" };

function order(
  sides: readonly [ASTNode, ASTNode],
  op: Comparison,
  outcome: boolean,
  message: DescMessage | undefined,
): readonly Conjunction[] {
  const [known, value, swapped] = fieldAndLiteral(sides, message) ?? [];
  if (!known || (typeof value !== "number" && typeof value !== "bigint")) return UNKNOWN;
  // No double is on either side of NaN, and only these fields can hold one.
  if (!outcome && known.kind === "double") return sieve({ op: "exists", field: known.field });
  const facing = swapped ? MIRRORED[op] : op;
  const comparison = outcome ? facing : OPPOSITE[facing];
  const bound = Number(value);
  if (!Number.isFinite(bound)) return sieve({ op: "exists", field: known.field });
  const certain = isExact(value);
  const strict = certain && (comparison === "<" || comparison === ">");
  const term: Term =
    comparison === "<" || comparison === "<="
      ? { op: "range", field: known.field, low: Number.NEGATIVE_INFINITY, high: strict ? below(bound) : bound }
      : { op: "range", field: known.field, low: strict ? above(bound) : bound, high: Number.POSITIVE_INFINITY };
  return certain ? exact(term) : sieve(term);
}

/** The field, the constant, and whether the constant came first. */
function fieldAndLiteral(
  [left, right]: readonly [ASTNode, ASTNode],
  message: DescMessage | undefined,
): [KnownField, Constant | bigint, boolean] | undefined {
  const swapped = fieldOf(left, message) === undefined;
  const known = fieldOf(swapped ? right : left, message);
  const value = literalOf(swapped ? left : right);
  return known && known.kind !== "message" && value !== undefined ? [known, value, swapped] : undefined;
}

function membership(
  [item, list]: readonly [ASTNode, ASTNode],
  outcome: boolean,
  message: DescMessage | undefined,
): readonly Conjunction[] {
  if (list.op === "list") {
    const known = fieldOf(item, message);
    if (!known || known.kind === "message") return UNKNOWN;
    const values: Constant[] = [];
    for (const element of list.args) {
      const value = literalOf(element);
      if (value === undefined || !isExact(value)) return sieve({ op: "exists", field: known.field });
      values.push(toConstant(value));
    }
    if (outcome && values.length === 0) return NEVER;
    return exact({ op: outcome ? "in" : "notIn", field: known.field, values: [...new Set(values)] });
  }
  const known = elementsOf(list, message);
  const value = literalOf(item);
  if (!known || value === undefined || !isExact(value) || !outcome) return UNKNOWN;
  return exact({ op: "in", field: known.field, values: [toConstant(value)] });
}

function call(node: ASTNode, outcome: boolean, message: DescMessage | undefined): readonly Conjunction[] {
  if (node.op === "call" && calledName(node) === "has" && node.args[1][0]) {
    const known = fieldOf(node.args[1][0], message);
    if (!known) return UNKNOWN;
    if (outcome) return exact({ op: "exists", field: known.field });
    // Deeper down the way there has to exist, which no term says.
    return known.field.path.length === 2 ? exact({ op: "absent", field: known.field }) : UNKNOWN;
  }
  if (node.op === "rcall" && calledName(node) === "startsWith" && outcome) {
    const known = fieldOf(node.args[1], message);
    const prefix = node.args[2][0] && literalOf(node.args[2][0]);
    if (!known || typeof prefix !== "string" || known.kind === "message") return UNKNOWN;
    if (prefix === "" || !isExact(prefix)) return sieve({ op: "exists", field: known.field });
    return exact({ op: "prefix", field: known.field, prefix });
  }
  return UNKNOWN;
}
