/** Writes protobuf's encoding into a buffer that the caller made large enough; sizes first, so that nothing is copied twice. */

export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  if (value < 0x10000000) return 4;
  let size = 4;
  for (let rest = Math.floor(value / 0x10000000); rest > 0; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Unsigned, below 2^53. Returns where it ends. */
export function writeVarint(into: Buffer, at: number, value: number): number {
  let rest = value;
  let pos = at;
  while (rest >= 0x80000000) {
    into[pos++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  while (rest >= 128) {
    into[pos++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  into[pos++] = rest;
  return pos;
}

/** Of a 64-bit value, signed or not: a negative one takes 10 bytes. */
export function varint64Size(value: bigint): number {
  if (value >= 0n && value < 0x20000000000000n) return varintSize(Number(value));
  let size = 1;
  for (let rest = BigInt.asUintN(64, value) >> 7n; rest > 0n; rest >>= 7n) size++;
  return size;
}

export function writeVarint64(into: Buffer, at: number, value: bigint): number {
  if (value >= 0n && value < 0x20000000000000n) return writeVarint(into, at, Number(value));
  let pos = at;
  let rest = BigInt.asUintN(64, value);
  while (rest >= 128n) {
    into[pos++] = Number(rest & 127n) | 128;
    rest >>= 7n;
  }
  into[pos++] = Number(rest);
  return pos;
}
