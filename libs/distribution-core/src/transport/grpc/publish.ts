/** Publish and PublishStream. */

import type { PublishResponse } from "@distribution/proto-types/distribution/v1/distribution";
import type { handleClientStreamingCall, handleUnaryCall, ServerReadableStream } from "@grpc/grpc-js";
import type { Position } from "../../brokers/contract.ts";
import { DistributionError, toDistributionError } from "../../errors.ts";
import type { BatchLimits } from "../../events/index.ts";
import type { Ingest, PublishResult } from "../../ingest/contract.ts";
import type { Logger } from "../../observability/index.ts";
import type { Guard, Identity } from "../../security/index.ts";
import { grpcCredential } from "./credential.ts";
import { readPublishRequest } from "./publish-request.ts";
import { type Status, statusOf } from "./status.ts";

export interface PublishLimits {
  readonly batch: BatchLimits;
  /** PublishStream: nothing more is read while this many bytes are not durable. */
  readonly streamWindowBytes: number;
  /** PublishStream: most events of one stream, since its one answer has a position for each. */
  readonly streamEvents: number;
}

export interface PublishOptions {
  /** Decides whether the identity may publish there. */
  readonly ingest: Ingest;
  readonly guard: Guard;
  readonly logger: Logger;
  readonly limits: PublishLimits;
}

export function createPublish(options: PublishOptions): handleUnaryCall<Buffer, PublishResponse> {
  return (call, answer) => {
    publish(options, () => options.guard.identify(grpcCredential(call)), call.request).then(
      ({ positions, duplicates }) => answer(null, responseOf([...positions], duplicates)),
      (failure: unknown) => answer(failed(options.logger, failure)),
    );
  };
}

/** Batches are appended in the order in which they come; the first that fails ends the stream, those before it stay published. */
export function createPublishStream(options: PublishOptions): handleClientStreamingCall<Buffer, PublishResponse> {
  return (call, answer) => {
    const { streamWindowBytes, streamEvents } = options.limits;
    const identify = identifyOnce(options.guard, call);
    const results: Promise<PublishResult>[] = [];
    let bytes = 0;
    let events = 0;
    let over = false;

    const end = (failure: unknown): void => {
      if (over) return;
      over = true;
      call.resume();
      answer(failed(options.logger, failure));
    };
    const settle = (size: number): void => {
      bytes -= size;
      if (bytes < streamWindowBytes) call.resume();
    };
    const take = async (message: Buffer): Promise<PublishResult> => {
      const result = await publish(options, identify, message, (count) => {
        events += count;
        if (events > streamEvents) throw tooManyEvents(streamEvents);
      });
      settle(message.length);
      return result;
    };

    call.on("data", (message: Buffer) => {
      if (over) return;
      bytes += message.length;
      if (bytes >= streamWindowBytes) call.pause();
      const result = take(message);
      result.catch(end);
      results.push(result);
    });
    call.on("end", () => {
      Promise.all(results).then((all) => {
        if (!over) answer(null, totalOf(all));
      }, end);
    });
    call.on("cancelled", () => {
      over = true;
    });
  };
}

/** `admit` is asked with the number of events before any of them is published. */
async function publish(
  { ingest, limits }: PublishOptions,
  identify: () => Identity,
  message: Buffer,
  admit: (events: number) => void = () => {},
): Promise<PublishResult> {
  const identity = identify();
  const { topic, batch } = readPublishRequest(message, limits.batch);
  admit(batch.count);
  return await ingest.publish(topic, batch, identity);
}

function identifyOnce(guard: Guard, call: ServerReadableStream<Buffer, PublishResponse>): () => Identity {
  let identity: Identity | undefined;
  return () => {
    identity ??= guard.identify(grpcCredential(call));
    return identity;
  };
}

function totalOf(results: readonly PublishResult[]): PublishResponse {
  const duplicates = results.reduce((sum, result) => sum + result.duplicates, 0);
  return responseOf(
    results.flatMap((result) => result.positions),
    duplicates,
  );
}

function responseOf(positions: Position[], duplicates: number): PublishResponse {
  return { published: { positions, duplicates } };
}

function failed(logger: Logger, failure: unknown): Status {
  const error = toDistributionError(failure);
  if (error.code === "internal") logger.error({ err: failure, wire: "grpc" }, "A publish request failed.");
  return statusOf(error);
}

function tooManyEvents(limit: number): DistributionError {
  const message = `One stream takes at most ${limit} events. Those before are published; go on with another stream.`;
  return new DistributionError("limit_exceeded", message);
}
