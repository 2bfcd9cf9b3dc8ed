/** The service as grpc-js serves it: methods of distribution.proto, messages as bytes. */

import { DistributionService } from "@distribution/proto-types/distribution/v1/distribution";
import type { ServiceDefinition } from "@grpc/grpc-js";
import type { EncodedFrame } from "../contract.ts";
import { encodedFrame } from "../frames/index.ts";

const asIs = (bytes: Buffer): Buffer => bytes;

/**
 * What clients send is read by its handler, so that bytes which are no message are refused with this protocol's errors and events
 * are not decoded. A server frame is sent as it was encoded for all.
 */
export const RAW_SERVICE = {
  publish: {
    ...DistributionService.publish,
    requestSerialize: asIs,
    requestDeserialize: asIs,
  },
  publishStream: {
    ...DistributionService.publishStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
  },
  stream: {
    ...DistributionService.stream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: (frame: EncodedFrame): Buffer => frame.payload,
    responseDeserialize: (payload: Buffer): EncodedFrame => encodedFrame(payload),
  },
} satisfies ServiceDefinition;
