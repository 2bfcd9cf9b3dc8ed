/**
 * LZ4 and Snappy, which Node has not: their block formats, unpacking only, from the formats' own descriptions
 * (lz4_Block_format.md, snappy/format_description.txt). The size is known before; what does not come to exactly that is refused.
 */

/** More than either format can make of a byte. */
const MOST_RATIO = 255;

/** Undefined where the bytes are none of the format, or unpack to another size. */
export function unpackLz4(bytes: Uint8Array, size: number): Buffer | undefined {
  const out = createOutput(bytes, size);
  let at = 0;
  /** What a length of 15 goes on with. */
  const further = (length: number): number => {
    let sum = length;
    for (let next = 255; length === 15 && next === 255; sum += next) {
      next = bytes[at++] ?? Number.NaN;
    }
    return sum;
  };
  while (out !== undefined && at < bytes.length) {
    const token = bytes[at++]!;
    const literals = further(token >> 4);
    if (!out.literal(bytes, at, literals)) return undefined;
    at += literals;
    // The last sequence has no copy.
    if (at === bytes.length) return out.whole();
    const distance = littleEndian(bytes, at, 2);
    at += 2;
    if (!out.copy(distance, further(token & 15) + 4)) return undefined;
  }
  return undefined;
}

/** The same of Snappy. */
export function unpackSnappy(bytes: Uint8Array, size: number): Buffer | undefined {
  const out = createOutput(bytes, size);
  let at = 0;
  let said = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined || shift > 28) return undefined;
    said += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  if (out === undefined || said !== size) return undefined;
  while (at < bytes.length) {
    const tag = bytes[at++]!;
    const kind = tag & 3;
    if (kind === 0) {
      // Up to 60 literals are counted in the tag, of more their number's bytes.
      const extra = Math.max((tag >> 2) - 59, 0);
      const length = (extra === 0 ? tag >> 2 : littleEndian(bytes, at, extra)) + 1;
      at += extra;
      if (!out.literal(bytes, at, length)) return undefined;
      at += length;
    } else if (kind === 1) {
      const distance = (tag >> 5) * 256 + littleEndian(bytes, at++, 1);
      if (!out.copy(distance, ((tag >> 2) & 7) + 4)) return undefined;
    } else {
      const width = kind === 2 ? 2 : 4;
      const distance = littleEndian(bytes, at, width);
      at += width;
      if (!out.copy(distance, (tag >> 2) + 1)) return undefined;
    }
  }
  return out.whole();
}

/** NaN, which no bound takes, where the bytes end before. */
function littleEndian(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let index = width - 1; index >= 0; index -= 1) value = value * 256 + (bytes[at + index] ?? Number.NaN);
  return value;
}

interface Output {
  /** False where the bytes or the room end before. */
  literal(bytes: Uint8Array, at: number, length: number): boolean;
  /** Repeats what lies that far back. False where there is nothing, or no room. */
  copy(distance: number, length: number): boolean;
  whole(): Buffer | undefined;
}

/** Undefined where so few bytes cannot make so many: they are given no room. */
function createOutput(bytes: Uint8Array, size: number): Output | undefined {
  if (size > bytes.length * MOST_RATIO) return undefined;
  const out = Buffer.allocUnsafe(size);
  let end = 0;
  return {
    literal(from, at, length) {
      if (!(length <= from.length - at && length <= size - end)) return false;
      out.set(from.subarray(at, at + length), end);
      end += length;
      return true;
    },
    copy(distance, length) {
      if (!(distance >= 1 && distance <= end && length <= size - end)) return false;
      if (distance >= length) out.copyWithin(end, end - distance, end - distance + length);
      // What is copied may be what the copy itself writes.
      else for (let index = 0; index < length; index += 1) out[end + index] = out[end + index - distance]!;
      end += length;
      return true;
    },
    whole: () => (end === size ? out : undefined),
  };
}
