/**
 * A look over protobuf bytes before they are decoded. The generated decoder stops silently at a zero tag or a stray group end,
 * lets a message overrun its parent and mends broken UTF-8; a frame like that is refused instead.
 * Unknown field numbers pass: they come from newer clients.
 */
import { isUtf8 } from "node:buffer";
import { type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { messageOf } from "@distribution/proto-types/descriptors";
import { WIRE, WireReader } from "../../events/wire.ts";

interface WireShape {
  /** Text or message by field number; whatever is not here is any bytes. */
  readonly known: ReadonlyMap<number, "text" | WireShape>;
}

export const CLIENT_FRAME_WIRE = wireShape(messageOf("distribution.v1.ClientFrame"));

/** The depth is that of the schema, which is not recursive. */
function wireShape(message: DescMessage): WireShape {
  const known = new Map<number, "text" | WireShape>();
  for (const field of message.fields) {
    if (field.fieldKind === "map") continue;
    if (field.message) known.set(field.number, wireShape(field.message));
    else if (field.scalar === ScalarType.STRING) known.set(field.number, "text");
  }
  return { known };
}

/** Throws `invalid_event` with `path` when the bytes are no well-formed message of this shape. */
export function checkWire(shape: WireShape, bytes: Uint8Array, path: string): void {
  const reader = new WireReader();
  reader.open(bytes, 0, bytes.length, path);
  checkFields(shape, reader);
}

function checkFields(shape: WireShape, reader: WireReader): void {
  while (reader.pos < reader.end) {
    const tag = reader.tag();
    const known = (tag & 7) === WIRE.bytes ? shape.known.get(tag >>> 3) : undefined;
    if (known === undefined) reader.skip(tag & 7);
    else checkBytes(known, reader);
  }
}

function checkBytes(known: "text" | WireShape, reader: WireReader): void {
  const length = reader.length();
  const end = reader.pos + length;
  if (known === "text") {
    if (!isUtf8(reader.bytes.subarray(reader.pos, end))) reader.fail("has a text that is not UTF-8");
    reader.pos = end;
    return;
  }
  const outer = reader.end;
  reader.end = end;
  checkFields(known, reader);
  reader.end = outer;
}
