/** Which names of a filter are fields that the readers can give to the index. */
import type { DescMessage } from "@bufbuild/protobuf";
import {
  ENVELOPE_KINDS,
  type Field,
  isEnvelopeName,
  isPlainMessage,
  kindOf,
  type ValueKind,
} from "../../events/fields/index.ts";
import { type ASTNode, pathOf } from "./syntax.ts";

export interface KnownField {
  readonly field: Field;
  /** `message`: there or not, but without a value of its own. */
  readonly kind: ValueKind | "message";
}

/** The single-valued field that the expression names, if it does. */
export function fieldOf(node: ASTNode, message: DescMessage | undefined): KnownField | undefined {
  const path = pathOf(node);
  if (!path) return undefined;
  const [root, ...names] = path as [string, ...string[]];
  const field: Field = { path, elements: false };
  if (isEnvelopeName(root)) return names.length === 0 ? { field, kind: ENVELOPE_KINDS[root] } : undefined;
  if (root === "extensions") return names.length === 1 ? { field, kind: "dynamic" } : undefined;
  if (root !== "data" || names.length === 0) return undefined;
  if (!message) return { field, kind: "dynamic" };
  const kind = singularKind(message, names);
  return kind && { field, kind };
}

/** The list whose elements the expression names: `data.tags`. Without a schema any field may be one. */
export function elementsOf(node: ASTNode, message: DescMessage | undefined): KnownField | undefined {
  const path = pathOf(node);
  if (path?.[0] !== "data" || path.length < 2) return undefined;
  const field: Field = { path, elements: true };
  if (!message) return { field, kind: "dynamic" };
  const found = schemaField(message, path.slice(1));
  const kind = found?.fieldKind === "list" ? kindOf(found) : undefined;
  return kind && kind !== "bytes" ? { field, kind } : undefined;
}

function singularKind(message: DescMessage, names: readonly string[]): KnownField["kind"] | undefined {
  const field = schemaField(message, names);
  if (!field || field.fieldKind === "list" || field.fieldKind === "map") return undefined;
  if (field.message) return isPlainMessage(field.message) && !isGroup(field) ? "message" : undefined;
  const kind = kindOf(field);
  return kind === "bytes" ? undefined : kind;
}

function schemaField(message: DescMessage, names: readonly string[]): DescMessage["fields"][number] | undefined {
  let within: DescMessage | undefined = message;
  let field: DescMessage["fields"][number] | undefined;
  for (const name of names) {
    field = within?.fields.find((candidate) => candidate.name === name);
    if (!field) return undefined;
    within =
      field.fieldKind === "message" && isPlainMessage(field.message) && !isGroup(field) ? field.message : undefined;
  }
  return field;
}

function isGroup(field: DescMessage["fields"][number]): boolean {
  return field.fieldKind === "message" && field.delimitedEncoding;
}
