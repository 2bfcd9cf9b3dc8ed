/** The CEL environment of a topic's schema: which names there are and of what type. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { Environment } from "@marcbachmann/cel-js";
import {
  ENVELOPE_KINDS,
  isPlainMessage,
  itemKind,
  type MessageFactory,
  type Value,
} from "../../events/fields/index.ts";
import type { FilterLimits } from "./limits.ts";
import { TYPE_VARIABLE } from "./syntax.ts";

export interface FilterEnvironment {
  readonly cel: Environment;
  /** Makes the maps that the environment takes for messages of its schema. */
  readonly create: MessageFactory;
  /** The name of the payload's type; `dyn` without a schema. */
  readonly root: string;
  /** The fields that a message type has for filters. */
  fieldsOf(typeName: string): readonly string[];
}

const CEL_TYPES = {
  int: "int",
  double: "double",
  decimal: "double",
  string: "string",
  enum: "string",
  bool: "bool",
  bytes: "bytes",
} as const;

/** Without a message, `data` is dynamic. */
export function createEnvironment(message: DescMessage | undefined, limits: FilterLimits): FilterEnvironment {
  const cel = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: true,
    limits: { maxAstNodes: limits.maxNodes, maxDepth: limits.maxDepth, maxListElements: limits.maxListItems },
  });
  // Prices are doubles and people write `data.price == 100`; CEL has `<` for an int and a double, and so `==` here.
  cel.registerOperator("double == int", (left: number, right: bigint) => left === Number(right));
  for (const [name, kind] of Object.entries(ENVELOPE_KINDS)) {
    cel.registerVariable(name === "type" ? TYPE_VARIABLE : name, CEL_TYPES[kind]);
  }
  cel.registerVariable("extensions", "map<string, dyn>");
  const shapes = new Map<string, { new (): Map<string, Value> }>();
  const fields = new Map<string, readonly string[]>();
  for (const type of message ? reachable(message) : []) {
    const declared = declare(type);
    const shape = class extends Map<string, Value> {};
    shapes.set(type.typeName, shape);
    fields.set(type.typeName, Object.keys(declared));
    cel.registerType(type.typeName, { ctor: shape, fields: declared });
  }
  cel.registerVariable("data", message?.typeName ?? "dyn");
  return {
    cel,
    root: message?.typeName ?? "dyn",
    create: (type) => {
      const Shape = shapes.get(type.typeName);
      return Shape ? new Shape() : new Map<string, Value>();
    },
    fieldsOf: (typeName) => fields.get(typeName) ?? [],
  };
}

/** The message and all plain messages within it, each once. */
function reachable(message: DescMessage, known = new Set<DescMessage>()): Set<DescMessage> {
  if (known.has(message) || !isPlainMessage(message)) return known;
  known.add(message);
  for (const field of message.fields) if (field.message) reachable(field.message, known);
  return known;
}

function declare(message: DescMessage): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (const field of message.fields) {
    const type = celType(field);
    if (type) fields[field.name] = type;
  }
  return fields;
}

function celType(field: DescField): string | undefined {
  const kind = itemKind(field);
  const single = field.message
    ? isPlainMessage(field.message)
      ? field.message.typeName
      : undefined
    : kind && CEL_TYPES[kind];
  if (!single) return undefined;
  if (field.fieldKind === "list") return `list<${single}>`;
  if (field.fieldKind !== "map") return single;
  return `map<${field.mapKey === 9 ? "string" : field.mapKey === 8 ? "bool" : "int"}, ${single}>`;
}
