/** The tree of the payload fields that are wanted, as the readers walk it. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ByteTable } from "./byte-table.ts";
import type { Field } from "./path.ts";
import { enumName, hasImplicitPresence, isPlainMessage, kindOf, type ValueKind } from "./schema.ts";
import { askedTags } from "./wire.ts";

const utf8 = new TextEncoder();
export const NO_SLOT = -1;

/** One name on the way to a wanted field. Slots are -1 where nobody wants the value or its elements. */
export class PathNode {
  readonly name: string;
  readonly parent: PathNode | undefined;
  /** The payload's own descriptor field; absent for JSON without a schema and for the payload itself. */
  readonly field: DescField | undefined;
  /** What lies below, where the schema knows. */
  readonly message: DescMessage | undefined;
  readonly kind: ValueKind | "message";
  readonly repeated: boolean;
  /** Reads as zero, "" or false when it is not there. */
  readonly implicit: boolean;
  slot = NO_SLOT;
  elements = NO_SLOT;
  /** JSON names of the children; an entry's number is its place in `byName`. */
  readonly names = new ByteTable();
  readonly byName: PathNode[] = [];
  /** The children by protobuf field number. */
  readonly byNumber: (PathNode | undefined)[] = [];
  readonly children: PathNode[] = [];
  /** The children that read as their zero. */
  readonly implicits: PathNode[] = [];
  /** By the number of each member of a oneof: the children that it displaces when it comes. */
  readonly rivals: (PathNode[] | undefined)[] = [];
  /** By tag: whether a protobuf field concerns any child, and cannot be passed over. */
  asked = askedTags([]);
  /** Names of the enum's values as bytes, filled as they are met: one a value of the schema at most. */
  readonly #enumNames: Record<number, Uint8Array> = Object.create(null);
  /** The event in which the node was last seen, so that a message in two parts is begun once. */
  seen = 0;

  constructor(name: string, parent: PathNode | undefined, field: DescField | undefined, message?: DescMessage) {
    this.name = name;
    this.parent = parent;
    this.field = field;
    this.message = message ?? (field?.fieldKind === "message" ? field.message : undefined);
    this.kind = field ? (kindOf(field) ?? "message") : this.message ? "message" : "dynamic";
    this.repeated = field?.fieldKind === "list";
    this.implicit = field !== undefined && hasImplicitPresence(field);
  }

  /** The name of an enum's value, as bytes. */
  enumName(value: number): Uint8Array {
    const known = this.#enumNames[value];
    if (known) return known;
    const name = utf8.encode(enumName(this.field!, value));
    if (this.field?.enum?.value[value]) this.#enumNames[value] = name;
    return name;
  }

  get leaf(): boolean {
    return this.slot !== NO_SLOT || this.elements !== NO_SLOT;
  }

  /** The child of this name, made when it is not there yet; undefined when the schema has no such field to read. */
  child(name: string): PathNode | undefined {
    const known = this.children.find((child) => child.name === name);
    if (known) return known;
    const field = this.message?.fields.find((candidate) => candidate.name === name);
    if (this.message ? !field || !isReadable(field) : this.kind !== "dynamic") return undefined;
    const child = new PathNode(name, this, field);
    this.children.push(child);
    for (const text of spellings(name, field)) this.byName[this.names.add(utf8.encode(text))] = child;
    if (field) this.byNumber[field.number] = child;
    if (child.implicit) this.implicits.push(child);
    for (const member of field?.oneof?.fields ?? []) {
      if (member === field) continue;
      const rivals = this.rivals[member.number];
      if (rivals) rivals.push(child);
      else this.rivals[member.number] = [child];
    }
    this.#ask();
    return child;
  }

  /** Takes the node out of the tree when nothing of it is wanted, and its parents likewise. */
  prune(): void {
    const { parent } = this;
    if (!parent || this.leaf || this.children.length > 0) return;
    remove(parent.children, this);
    remove(parent.implicits, this);
    for (const rivals of parent.rivals) if (rivals) remove(rivals, this);
    const { names } = parent;
    for (const text of spellings(this.name, this.field)) names.delete(names.add(utf8.encode(text)));
    if (this.field) parent.byNumber[this.field.number] = undefined;
    parent.#ask();
    parent.prune();
  }

  #ask(): void {
    const rivals = this.rivals.flatMap((list, number) => (list && list.length > 0 ? [number] : []));
    this.asked = askedTags([...rivals, ...this.byNumber.flatMap((child, number) => (child ? [number] : []))]);
  }
}

/** The node of a payload field's path, made where needed. `path` starts after `data`. */
export function nodeAt(root: PathNode, field: Field): PathNode {
  let node = root;
  for (const name of field.path.slice(1)) {
    const child = node.child(name);
    if (!child) throw new Error(`the schema of ${root.message?.typeName} has no field ${field.path.join(".")} to read`);
    node = child;
  }
  return node;
}

function isReadable(field: DescField): boolean {
  if (field.fieldKind === "message") return isPlainMessage(field.message) && field.delimitedEncoding === false;
  return kindOf(field) !== undefined;
}

/** A payload in JSON may name a field as the schema does or in lowerCamelCase. */
function spellings(name: string, field: DescField | undefined): Set<string> {
  return new Set(field?.jsonName ? [name, field.jsonName] : [name]);
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at !== -1) list.splice(at, 1);
}
