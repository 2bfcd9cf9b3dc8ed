/** The client of a distribution service, for Node and browsers. See README.md. */
export type { Ledger, Position } from "@distribution/proto-types/distribution/v1/frames";
export { Client, type ClientEvents, type PublishOptions } from "./client.ts";
export { connect } from "./connect.ts";
export type { ClientState } from "./connection/connection.ts";
export type { CreateSocket, Socket } from "./connection/link.ts";
export {
  DistributionClientError,
  type ErrorCode,
  type FieldError,
  LOCAL_ERRORS,
  type LocalErrorCode,
  SERVICE_ERRORS,
  type ServiceErrorCode,
} from "./errors.ts";
export type { EventClassName } from "./events/event-class.ts";
export type { Decode, PayloadDecoder } from "./events/payload.ts";
export type { EventToPublish } from "./events/published-event.ts";
export { type ExtensionValue, ReceivedEvent } from "./events/received-event.ts";
export type { ConnectOptions, ReconnectOptions } from "./options.ts";
export type { Published } from "./publisher.ts";
export type { BatchHandler } from "./subscription/consumption.ts";
export type { CloseOptions, Stale, Started, SubscriptionEvents, SubscriptionState } from "./subscription/contract.ts";
export type { SnapshotNotice } from "./subscription/intake.ts";
export type { Gap, GapCause } from "./subscription/lanes.ts";
export type {
  BufferBounds,
  Profile,
  StartFrom,
  SubscribeOptions,
  SubscriptionChange,
} from "./subscription/options.ts";
export { Subscription } from "./subscription/subscription.ts";
export type { WireFormat } from "./wire/frames.ts";
export { formatTime, parseTime } from "./wire/time.ts";
