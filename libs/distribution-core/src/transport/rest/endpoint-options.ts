/** What the endpoints of the public API work with. */
import type { PartitionInfo } from "../../brokers/contract.ts";
import type { PayloadCodec } from "../../events/index.ts";
import type { Ingest } from "../../ingest/contract.ts";
import type { Logger } from "../../observability/index.ts";
import type { FilterParser } from "../../routing/contract.ts";
import type { Sealer } from "../../security/index.ts";
import type { Queries } from "../../tail/contract.ts";
import type { ServiceDescription } from "../documents/operation-document.ts";
import type { BodyWriterOptions } from "./body-writer.ts";
import type { RestLimits } from "./limits.ts";
import type { Rates } from "./rates.ts";
import type { ServiceStatus } from "./service-status.ts";
import type { TopicCatalogue } from "./topic-catalogue.ts";

export interface EndpointOptions {
  readonly service: ServiceDescription;
  readonly catalogue: TopicCatalogue;
  readonly ingest: Ingest;
  readonly queries: Queries;
  readonly parseFilter: FilterParser;
  /** By topic, of those whose payload is a protobuf message. */
  readonly codecs: ReadonlyMap<string, PayloadCodec>;
  readonly sealer: Sealer;
  readonly limits: RestLimits;
  readonly writer: BodyWriterOptions;
  readonly logger: Logger;
  readonly rates: Rates | undefined;
  readonly status: () => ServiceStatus;
  readonly partitions: (topic: string) => Promise<readonly PartitionInfo[]>;
}
