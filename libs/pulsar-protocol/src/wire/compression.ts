/** Compression of an entry's payload with what Node has. Synchronous: the order of batches is the order of the calls. */
import { deflateSync, inflateSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Compression } from "../contract.ts";
import { PulsarError } from "../errors.ts";

/** The protocol's numbers. */
export const COMPRESSION_NUMBER = { none: 0, zlib: 2, zstd: 3 } as const satisfies Record<Compression, number>;
const NOT_HERE: Readonly<Record<number, string>> = { 1: "LZ4", 4: "Snappy" };

export function compress(bytes: Buffer, compression: Compression): Buffer {
  if (compression === "zlib") return deflateSync(bytes);
  return compression === "zstd" ? zstdCompressSync(bytes) : bytes;
}

/** Throws `unsupported` or `entry_corrupt`; never makes more bytes than claimed, nor than `maxBytes`. */
export function decompress(bytes: Buffer, number: number, claimed: number, maxBytes: number): Buffer {
  if (number === 0) return bytes;
  if (number !== COMPRESSION_NUMBER.zlib && number !== COMPRESSION_NUMBER.zstd) {
    const name = NOT_HERE[number] ?? `of number ${number}`;
    throw new PulsarError(
      "unsupported",
      `An entry with ${name} compression, which Node has not: let its producer use zlib, zstd or none.`,
    );
  }
  if (claimed > maxBytes) {
    throw new PulsarError(
      "entry_corrupt",
      `An entry of ${claimed} bytes when decompressed; maxDecompressedBytes is ${maxBytes}.`,
    );
  }
  if (claimed === 0) return Buffer.alloc(0);
  let result: Buffer;
  try {
    const unpack = number === COMPRESSION_NUMBER.zlib ? inflateSync : zstdDecompressSync;
    result = unpack(bytes, { maxOutputLength: claimed });
  } catch (cause) {
    throw new PulsarError("entry_corrupt", "An entry that cannot be decompressed.", { cause });
  }
  if (result.length !== claimed) {
    throw new PulsarError(
      "entry_corrupt",
      `An entry of ${result.length} bytes when decompressed, not the ${claimed} it claims.`,
    );
  }
  return result;
}
