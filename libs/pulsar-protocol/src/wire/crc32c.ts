/** CRC-32C (Castagnoli) of a part of a buffer, eight bytes at a step (slicing by 8). */

const TABLES = makeTables();
const [T0, T1, T2, T3, T4, T5, T6, T7] = [0, 1, 2, 3, 4, 5, 6, 7].map((i) =>
  TABLES.subarray(i * 256, i * 256 + 256),
) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];

function makeTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    tables[n] = crc >>> 0;
  }
  for (let n = 256; n < tables.length; n++) {
    const before = tables[n - 256]!;
    tables[n] = (before >>> 8) ^ tables[before & 255]!;
  }
  return tables;
}

/** Unsigned. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = -1;
  let pos = start;
  for (const last = end - 8; pos <= last; pos += 8) {
    const low = crc ^ (bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24));
    crc =
      T7[low & 255]! ^
      T6[(low >>> 8) & 255]! ^
      T5[(low >>> 16) & 255]! ^
      T4[low >>> 24]! ^
      T3[bytes[pos + 4]!]! ^
      T2[bytes[pos + 5]!]! ^
      T1[bytes[pos + 6]!]! ^
      T0[bytes[pos + 7]!]!;
  }
  for (; pos < end; pos++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[pos]!) & 255]!;
  return ~crc >>> 0;
}
