/** What brokers on a log share: packed batches as bytes, how events lie in the records of a foreign engine, and groups. */
export * from "./groups/index.ts";
export { cut, isPacked, keyBytesOf, keyOf, pick, sizeOf, unpack } from "./packed.ts";
export * from "./records/index.ts";
export { settingFile } from "./setting-file.ts";
export { checkTopicConfig, isTopicName } from "./topic-config.ts";
