/**
 * Unpacks what was compressed, and never to more than a bound: what is small on the wire may be large in memory, and in topics
 * that others write to nobody vouches for it.
 */
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { compressionsAlgorithms, compressionsAlgorithmsByBitmask } from "@platformatic/kafka";

const { gzip, snappy, lz4, zstd } = compressionsAlgorithms;

/** `bitmask`: the algorithm, as a record batch states it. Throws when the bytes are damaged or would be more than `most`. */
export function unpack(bitmask: number, packed: Buffer, most: number): Buffer {
  const tooMuch = (): Error =>
    new Error(`its ${packed.length} bytes unpack to more than maxDecompressedBytes, ${most}`);
  try {
    // These stop by themselves.
    if (bitmask === gzip.bitmask) return gunzipSync(packed, { maxOutputLength: most });
    if (bitmask === zstd.bitmask) return zstdDecompressSync(packed, { maxOutputLength: most });
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooMuch();
    throw failure;
  }
  if (bitmask === snappy.bitmask && snappyBytes(packed) > most) throw tooMuch();
  if (bitmask === lz4.bitmask && lz4Bytes(packed) > most) throw tooMuch();
  const known = compressionsAlgorithmsByBitmask[bitmask];
  if (known === undefined) throw new Error(`its compression ${bitmask} is not known`);
  return known.decompressSync(packed);
}

/** What Java's clients put before and between blocks: a head of 16 bytes, and each block's length. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEAD_BYTES = 16;

/** As its blocks state. */
function snappyBytes(packed: Buffer): number {
  if (!packed.subarray(0, XERIAL.length).equals(XERIAL)) return stated(packed, 0);
  let bytes = 0;
  for (let at = XERIAL_HEAD_BYTES; at + 4 <= packed.length; at += 4 + packed.readUInt32BE(at)) {
    bytes += stated(packed, at + 4);
  }
  return bytes;
}

/** A block begins with how long it will be: seven bits a byte, the least first. */
function stated(packed: Buffer, start: number): number {
  let bytes = 0;
  for (let at = start, factor = 1; at < packed.length && at < start + 5; at += 1, factor *= 128) {
    const byte = packed[at]!;
    bytes += (byte & 0x7f) * factor;
    if (byte < 0x80) break;
  }
  return bytes;
}

const LZ4_HEAD_BYTES = 7;
const LZ4_FLAGS_AT = 4;
const LZ4_SIZES_AT = 5;

/** At most: a block states how long it is, and the frame how long its blocks may become. */
function lz4Bytes(packed: Buffer): number {
  if (packed.length < LZ4_HEAD_BYTES) return 0;
  const flags = packed[LZ4_FLAGS_AT]!;
  const checked = (flags & 0x10) === 0 ? 0 : 4;
  const blockBytes = 4 ** (4 + ((packed[LZ4_SIZES_AT]! >> 4) & 0x07));
  let at = LZ4_HEAD_BYTES + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4);
  let bytes = 0;
  while (at + 4 <= packed.length) {
    const length = packed.readUInt32LE(at);
    if (length === 0) break;
    const isPlain = length >= 0x8000_0000;
    bytes += isPlain ? length - 0x8000_0000 : blockBytes;
    at += 4 + checked + (isPlain ? length - 0x8000_0000 : length);
  }
  return bytes;
}
