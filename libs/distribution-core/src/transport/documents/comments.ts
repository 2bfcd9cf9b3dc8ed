/** The comments of .proto files, which the descriptor set carries. */
import type { DescEnum, DescEnumValue, DescField, DescFile, DescMessage } from "@bufbuild/protobuf";

type Commented = DescMessage | DescField | DescEnum | DescEnumValue;

/** Numbers of FileDescriptorProto's and DescriptorProto's fields, of which a source location's path is made. */
const FILE_MESSAGE = 4;
const FILE_ENUM = 5;
const MESSAGE_FIELD = 2;
const MESSAGE_NESTED = 3;
const MESSAGE_ENUM = 4;
const ENUM_VALUE = 2;

/** The comment before or behind the declaration, on one line; empty when there is none. */
export function commentOf(item: Commented): string {
  const path = pathOf(item).join(".");
  const location = fileOf(item).proto.sourceCodeInfo?.location.find((candidate) => candidate.path.join(".") === path);
  return (location?.leadingComments || location?.trailingComments || "").trim().replace(/\s+/g, " ");
}

function pathOf(item: Commented): number[] {
  switch (item.kind) {
    case "field":
      return [...pathOf(item.parent!), MESSAGE_FIELD, item.parent!.fields.indexOf(item)];
    case "enum_value":
      return [...pathOf(item.parent), ENUM_VALUE, item.parent.values.indexOf(item)];
    case "message":
      return item.parent
        ? [...pathOf(item.parent), MESSAGE_NESTED, item.parent.nestedMessages.indexOf(item)]
        : [FILE_MESSAGE, item.file.messages.indexOf(item)];
    case "enum":
      return item.parent
        ? [...pathOf(item.parent), MESSAGE_ENUM, item.parent.nestedEnums.indexOf(item)]
        : [FILE_ENUM, item.file.enums.indexOf(item)];
  }
}

function fileOf(item: Commented): DescFile {
  return item.kind === "field" || item.kind === "enum_value" ? item.parent!.file : item.file;
}
