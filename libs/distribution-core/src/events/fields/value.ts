/** Decoded values, in the types of CEL. */
import type { DescMessage } from "@bufbuild/protobuf";

/** bigint for integers, number for doubles, Map for messages, objects and maps, Uint8Array for bytes. */
export type Value = string | number | bigint | boolean | null | Uint8Array | Value[] | Map<unknown, Value>;

/** Makes the map that stands for a message of this type. */
export type MessageFactory = (message: DescMessage) => Map<string, Value>;

export const plainMap: MessageFactory = () => new Map<string, Value>();
