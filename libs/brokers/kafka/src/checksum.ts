/** CRC-32C, as record batches carry it. */
import { crc32c, Writer } from "@platformatic/kafka";

/** The client's function copies what is a plain buffer, and takes this as it is. */
export const checksum = (bytes: Buffer): number => crc32c(Writer.create().append(bytes).dynamicBuffer) >>> 0;
