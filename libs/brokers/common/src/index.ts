/** What brokers on a log share: packed batches as bytes, how events lie in the records of a foreign engine, and groups. */
export { AppendCall } from "./append/call.ts";
export { AppendCalls } from "./append/calls.ts";
export * from "./groups/index.ts";
export { checkNote } from "./note.ts";
export { cut, isPacked, keyBytesOf, keyOf, pick, sizeOf, unpack } from "./packed.ts";
export * from "./records/index.ts";
export { namingSettings, type OptionNames, optionNames, pemFile, secretFile } from "./setting-file.ts";
export { checkTopicConfig, isTopicName } from "./topic-config.ts";
