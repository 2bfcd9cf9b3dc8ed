/** The stated hash from keys to partitions: FNV-1a, 32 bits, over the key's UTF-8 bytes, modulo the number of partitions. */
export function partitionOfBytes(bytes: Uint8Array, start: number, end: number, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return (hash >>> 0) % partitions;
}

export function partitionOf(key: string, partitions: number): number {
  const bytes = Buffer.from(key, "utf8");
  return partitionOfBytes(bytes, 0, bytes.length, partitions);
}
