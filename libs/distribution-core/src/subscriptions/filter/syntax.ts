/** Walking a parsed filter's syntax tree. */
import type { ASTNode } from "@marcbachmann/cel-js";

export type { ASTNode };

/** Comprehension macros: they walk a list with a variable of their own. */
export const COMPREHENSIONS: ReadonlySet<string> = new Set(["all", "exists", "exists_one"]);

/** `type` is a name of CEL's own. In filters it is the event's type, which goes by this name below the surface. */
export const TYPE_VARIABLE = "envelope_type__";

export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "list":
      return node.args;
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}

/** Calls `visit` on the node and everything below it, outside in. */
export function walk(node: ASTNode, visit: (node: ASTNode) => void): void {
  visit(node);
  for (const child of childrenOf(node)) walk(child, visit);
}

/** The name that is called, for calls of both kinds. */
export function calledName(node: ASTNode): string | undefined {
  return node.op === "call" || node.op === "rcall" ? node.args[0] : undefined;
}

/** The names of `data.a["b"]`: ["data", "a", "b"]. Undefined for anything else than names from a variable on. */
export function pathOf(node: ASTNode): string[] | undefined {
  const names: string[] = [];
  let at = node;
  for (;;) {
    if (at.op === "id") {
      names.push(at.args === TYPE_VARIABLE ? "type" : at.args);
      // Without the room that pushing left: filters keep it, and they may be many.
      return names.reverse().slice();
    }
    if (at.op === ".") names.push(at.args[1]);
    else if (at.op === "[]" && at.args[1].op === "value" && typeof at.args[1].args === "string") {
      names.push(at.args[1].args);
    } else return undefined;
    at = at.args[0];
  }
}
