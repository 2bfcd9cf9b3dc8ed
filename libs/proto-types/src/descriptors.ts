import { readFileSync } from "node:fs";
import { createFileRegistry, type DescMessage, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** The serialized google.protobuf.FileDescriptorSet of all of proto/, imports included. */
export const descriptorSet: Uint8Array = readFileSync(new URL("./generated/descriptors.binpb", import.meta.url));

export const registry: FileRegistry = createFileRegistry(readSet());

/** Of where things stand in their source only comments are kept: a place for each token would be a third of a service's objects. */
function readSet(): FileDescriptorSet {
  const set = fromBinary(FileDescriptorSetSchema, descriptorSet);
  for (const { sourceCodeInfo } of set.file) {
    if (!sourceCodeInfo) continue;
    sourceCodeInfo.location = sourceCodeInfo.location.filter((each) => each.leadingComments || each.trailingComments);
  }
  return set;
}

/** The message of this full name, for example `distribution.v1.Event`. Throws on a name that proto/ does not define. */
export function messageOf(name: string): DescMessage {
  const message = registry.getMessage(name);
  if (!message) throw new Error(`proto/ defines no message ${name}`);
  return message;
}
