/** One text for all filters that differ in spacing, quoting or the order of && and || operands only. */
import { operands } from "./normalize.ts";
import { type ASTNode, childrenOf, TYPE_VARIABLE } from "./syntax.ts";

/** Prefix notation: `(&& (== data.symbol "ACME") (> data.price 100))`. Different filters never share one. */
export function canonicalOf(node: ASTNode): string {
  switch (node.op) {
    case "&&":
    case "||": {
      const parts = operands(node, node.op).map(canonicalOf);
      return `(${[node.op, ...parts.sort()].join(" ")})`;
    }
    case "value":
      return literal(node.args);
    case "id":
      return node.args === TYPE_VARIABLE ? "type" : node.args;
    case ".":
      return `${canonicalOf(node.args[0])}.${node.args[1]}`;
    case "call":
      return `(${[`${node.args[0]}()`, ...node.args[1].map(canonicalOf)].join(" ")})`;
    case "rcall":
      return `(${[`.${node.args[0]}()`, ...childrenOf(node).map(canonicalOf)].join(" ")})`;
    default:
      return `(${[node.op, ...childrenOf(node).map(canonicalOf)].join(" ")})`;
  }
}

/** Types that print alike are told apart: 1 is an int, 1.0 a double, 1u unsigned, b"..." bytes. */
function literal(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return Number.isInteger(value) ? `${value}.0` : String(value);
  if (value instanceof Uint8Array) return `b"${Buffer.from(value).toString("hex")}"`;
  return typeof value === "object" && value !== null ? `${String(value)}u` : String(value);
}
