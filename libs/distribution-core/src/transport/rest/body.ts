/** Request bodies as bytes, bounded one by one, by the client's address and all together, and in how slowly they may come. */
import { TransitMap } from "@distribution/collections";
import type { Request, Response } from "express";
import { DistributionError, fieldError } from "../../errors.ts";
import type { Timers } from "../../runtime/index.ts";
import type { RestLimits } from "./limits.ts";

export interface BodyReader {
  /**
   * The whole body. Its bytes count against the common bound and the address's share until the response is over.
   * Throws `batch_too_large`, `overloaded`, `limit_exceeded` over the share, `silent` when it comes too slowly,
   * `unsupported_media_type` for a content encoding, and `invalid_request` when the client breaks off.
   */
  read(request: Request, response: Response): Promise<Buffer>;
}

export type BodyLimits = Pick<
  RestLimits,
  "bodyBytes" | "bodyBytesInFlight" | "bodyBytesPerAddress" | "bodyBytesPerSecond" | "bodyGraceMs"
>;

/** So much of a refused body is read and thrown away, in limits: a client that writes before it reads sees the answer. */
const DISCARD_LIMITS = 4;

export function createBodyReader(limits: BodyLimits, timers: Timers): BodyReader {
  const { bodyBytes, bodyBytesInFlight, bodyBytesPerAddress } = limits;
  let inFlight = 0;
  const byAddress = new TransitMap<string, number>();

  const hold = (address: string, bytes: number): void => {
    inFlight += bytes;
    const held = (byAddress.get(address) ?? 0) + bytes;
    if (held > 0) byAddress.set(address, held);
    else byAddress.delete(address);
  };

  function refusal(address: string, size: number, added: number): DistributionError | undefined {
    if (size > bodyBytes) {
      return fieldError("batch_too_large", "body", `is over the limit of ${bodyBytes} bytes; send the events in parts`);
    }
    const own = byAddress.get(address) ?? 0;
    if (own + added > bodyBytesPerAddress) {
      return fieldError(
        "limit_exceeded",
        "body",
        `requests of ${own} bytes from ${address} are being taken, of ${bodyBytesPerAddress} at most; send fewer at a time`,
      );
    }
    if (inFlight + added <= bodyBytesInFlight) return undefined;
    return new DistributionError(
      "overloaded",
      `Requests of ${inFlight} bytes are being taken, of ${bodyBytesInFlight} at most; try again.`,
    );
  }

  async function collect(request: Request, response: Response, came: (bytes: number) => void): Promise<Buffer> {
    const address = request.socket.remoteAddress ?? "unknown";
    const chunks: Buffer[] = [];
    let held = 0;
    const release = (): void => {
      hold(address, -held);
      held = 0;
      chunks.length = 0;
    };
    response.once("close", release);

    let refused = refusal(address, Number(request.get("content-length") ?? 0), 0);
    let size = 0;
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      came(chunk.length);
      size += chunk.length;
      refused ??= refusal(address, size, chunk.length);
      if (refused === undefined) {
        hold(address, chunk.length);
        held += chunk.length;
        chunks.push(chunk);
      } else {
        release();
        if (size > bodyBytes * DISCARD_LIMITS) break;
      }
    }
    if (refused !== undefined) throw refused;
    return Buffer.concat(chunks, size);
  }

  async function read(request: Request, response: Response): Promise<Buffer> {
    refuseEncoding(request.get("content-encoding"));
    const pace = createPace(limits, timers);
    try {
      return await Promise.race([collect(request, response, pace.came), pace.tooSlow]);
    } catch (failure) {
      if (failure instanceof DistributionError) {
        // Node then closes the connection after the answer, and with it what is left of the body.
        response.setHeader("Connection", "close");
        throw failure;
      }
      throw new DistributionError("invalid_request", "The body broke off before its end.", { cause: failure });
    } finally {
      pace.stop();
    }
  }

  return { read };
}

/** Rejects with `silent` when too few bytes came within any `bodyGraceMs`. */
function createPace({ bodyBytesPerSecond, bodyGraceMs }: BodyLimits, timers: Timers) {
  const tooSlow = Promise.withResolvers<never>();
  const least = (bodyBytesPerSecond * bodyGraceMs) / 1_000;
  let bytes = 0;
  const check = (): void => {
    if (bytes < least) {
      const message = `came slower than ${bodyBytesPerSecond} bytes a second for ${bodyGraceMs} ms; send it faster, or in smaller parts`;
      tooSlow.reject(fieldError("silent", "body", message));
    }
    bytes = 0;
  };
  // After what lies in the sockets was read: a turn of the event loop that took long is not the client's fault.
  const timer = timers.every(bodyGraceMs, () => timers.soon(check));
  return {
    tooSlow: tooSlow.promise,
    came: (count: number): void => {
      bytes += count;
    },
    stop: () => timer.cancel(),
  };
}

function refuseEncoding(encoding = "identity"): void {
  if (encoding.toLowerCase() === "identity") return;
  throw fieldError(
    "unsupported_media_type",
    "header.content-encoding",
    `${encoding} is not taken; send the body plain`,
  );
}
