/** Constants of a filter as the index takes them. */
import type { ASTNode } from "./syntax.ts";

export type Constant = string | number | boolean | null;

/** The first integer that has a neighbour which is no double. From here on the index is only a sieve. */
export const EXACT_BOUND = 2 ** 53;

/** A literal, a negated number among them. Undefined: no literal, or of a type that the index does not hold (uint, bytes). */
export function literalOf(node: ASTNode): Exclude<Constant, number> | number | bigint | undefined {
  if (node.op === "-_") {
    const inner = literalOf(node.args);
    return typeof inner === "number" || typeof inner === "bigint" ? -inner : undefined;
  }
  if (node.op !== "value") return undefined;
  const { args } = node;
  if (args === null || typeof args === "string" || typeof args === "boolean") return args;
  return typeof args === "number" || typeof args === "bigint" ? args : undefined;
}

/** Whether the index decides exactly on it: a number below 2^53, a text that no damaged UTF-8 can turn into. */
export function isExact(value: Constant | bigint): boolean {
  if (typeof value === "bigint" || typeof value === "number") return Math.abs(Number(value)) < EXACT_BOUND;
  return typeof value !== "string" || !value.includes("\ufffd");
}

export function toConstant(value: Constant | bigint): Constant {
  // Plus zero makes one zero of the two, as comparison does.
  return typeof value === "bigint" || typeof value === "number" ? Number(value) + 0 : value;
}

const view = new DataView(new ArrayBuffer(8));

/** The smallest double above a finite one. */
export function above(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 ? 1n : -1n));
  return view.getFloat64(0);
}

export function below(value: number): number {
  return -above(-value);
}
