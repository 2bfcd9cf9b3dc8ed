/** Where things are in the head of Kafka's record batch (message format 2), all big-endian. */
export const AT = {
  /** int64: the offset of the first record. */
  base: 0,
  /** int32: of what follows it. */
  length: 8,
  leaderEpoch: 12,
  /** int8: the message format. */
  magic: 16,
  /** uint32: the checksum of all from the attributes on. */
  crc: 17,
  /** int16. */
  attributes: 21,
  /** int32: how far the last record is behind the first. */
  last: 23,
  /** int64, Unix ms: of the first record, and the newest. */
  firstTime: 27,
  maxTime: 35,
  /** int64, int16, int32: the producer, its epoch, and the sequence of the first record. */
  producer: 43,
  producerEpoch: 51,
  sequence: 53,
  /** int32: of records. */
  count: 57,
} as const;

export const HEAD_BYTES = 61;
/** Base offset and length, which are not counted by the length. */
export const FRONT_BYTES = 12;
/** The message format. */
export const MAGIC = 2;
