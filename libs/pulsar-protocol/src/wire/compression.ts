/** Compression of an entry's payload with what Node has; what others compress otherwise is unpacked. Synchronous: the order of batches is the order of the calls. */
import { deflateSync, inflateSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Compression } from "../contract.ts";
import { PulsarError } from "../errors.ts";
import { unpackLz4, unpackSnappy } from "./unpack.ts";

/** The protocol's numbers. */
export const COMPRESSION_NUMBER = { none: 0, zlib: 2, zstd: 3 } as const satisfies Record<Compression, number>;

type Unpack = (bytes: Buffer, size: number) => Buffer | undefined;

const UNPACK: Readonly<Record<number, Unpack>> = {
  1: unpackLz4,
  [COMPRESSION_NUMBER.zlib]: (bytes, size) => inflateSync(bytes, { maxOutputLength: size }),
  [COMPRESSION_NUMBER.zstd]: (bytes, size) => zstdDecompressSync(bytes, { maxOutputLength: size }),
  4: unpackSnappy,
};

export function compress(bytes: Buffer, compression: Compression): Buffer {
  if (compression === "zlib") return deflateSync(bytes);
  return compression === "zstd" ? zstdCompressSync(bytes) : bytes;
}

/** Throws `unsupported` or `entry_corrupt`; never makes more bytes than claimed, nor than `maxBytes`. */
export function decompress(bytes: Buffer, number: number, claimed: number, maxBytes: number): Buffer {
  if (number === 0) return bytes;
  const unpack = UNPACK[number];
  if (unpack === undefined) {
    const remedy = "let its producer use one that Pulsar 4.0 has";
    throw new PulsarError(
      "unsupported",
      `An entry with compression of number ${number}, which is not known: ${remedy}.`,
    );
  }
  if (claimed > maxBytes) {
    throw new PulsarError(
      "entry_corrupt",
      `An entry of ${claimed} bytes when decompressed; maxDecompressedBytes is ${maxBytes}.`,
    );
  }
  if (claimed === 0) return Buffer.alloc(0);
  let result: Buffer | undefined;
  let cause: unknown;
  try {
    result = unpack(bytes, claimed);
  } catch (failure) {
    cause = failure;
  }
  if (result === undefined) throw new PulsarError("entry_corrupt", "An entry that cannot be decompressed.", { cause });
  if (result.length !== claimed) {
    throw new PulsarError(
      "entry_corrupt",
      `An entry of ${result.length} bytes when decompressed, not the ${claimed} it claims.`,
    );
  }
  return result;
}
