/** Turns what a filter says in terms of its schema into what CEL's evaluator understands, by editing the source. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { hasImplicitPresence, kindOf } from "../../events/fields/index.ts";
import { type ASTNode, calledName, pathOf, TYPE_VARIABLE, walk } from "./syntax.ts";

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * - `type`, which CEL keeps for itself, becomes a variable of another name.
 * - `has(data.size)` of a field without presence is true when the value is not the type's zero (CEL specification, "Field
 *   Selection"), and of a list or map when it is not empty.
 * - Integers in the list of `data.price in [100, 105]` become doubles where the field is one.
 */
export function rewrite(source: string, tree: ASTNode, message: DescMessage | undefined): string {
  const edits: Edit[] = [];
  walk(tree, (node) => {
    if (node.op === "id" && node.args === "type") edits.push({ ...range(node), text: TYPE_VARIABLE });
    if (message && node.op === "call" && calledName(node) === "has") edits.push(...presence(node, message));
    if (message && node.op === "in") edits.push(...doubles(node.args, message));
  });
  return edits
    .sort((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: inserted }) => text.slice(0, start) + inserted + text.slice(end), source);
}

const range = (node: ASTNode): { start: number; end: number } => ({ start: node.start, end: node.end });

function presence(node: ASTNode & { op: "call" }, message: DescMessage): Edit[] {
  const [argument] = node.args[1];
  const field = argument && fieldAt(argument, message);
  if (!argument || !field) return [];
  const name = node.input.slice(argument.start, argument.end);
  if (field.fieldKind === "list" || field.fieldKind === "map") return [{ ...range(node), text: `(size(${name}) > 0)` }];
  return hasImplicitPresence(field) ? [{ ...range(node), text: `(${name} != ${zeroLiteral(field)})` }] : [];
}

function zeroLiteral(field: DescField): string {
  switch (kindOf(field)) {
    case "string":
      return '""';
    case "bool":
      return "false";
    case "bytes":
      return 'b""';
    case "double":
      return "0.0";
    case "enum":
      return JSON.stringify(field.enum?.value[0]?.name ?? "0");
    default:
      return "0";
  }
}

function doubles([item, list]: readonly [ASTNode, ASTNode], message: DescMessage): Edit[] {
  const field = fieldAt(item, message);
  const kind = field && kindOf(field);
  if (list.op !== "list" || (kind !== "double" && kind !== "decimal")) return [];
  return list.args.flatMap((element) => {
    const digits = /^-?\d+$/.test(element.input.slice(element.start, element.end));
    return digits ? [{ start: element.end, end: element.end, text: ".0" }] : [];
  });
}

function fieldAt(node: ASTNode, message: DescMessage): DescField | undefined {
  const path = pathOf(node);
  if (path?.[0] !== "data") return undefined;
  let within: DescMessage | undefined = message;
  let field: DescField | undefined;
  for (const name of path.slice(1)) {
    field = within?.fields.find((candidate) => candidate.name === name);
    within = field?.fieldKind === "message" ? field.message : undefined;
    if (!field) return undefined;
  }
  return field;
}
