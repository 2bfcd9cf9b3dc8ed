/** A domain as a service of its own, from its settings: its data folder, its broker in it, and all that is the same for every domain. */
import { join } from "node:path";
import type { BrokerChoices } from "./brokers/choice.ts";
import { type ServiceConfig, variableOf } from "./config.ts";
import { openDataFolder, secretOf } from "./data-folder.ts";
import { createLogger } from "./observability/index.ts";
import { createCheckpointFiles } from "./projections/index.ts";
import {
  createDistributionService,
  type DistributionService,
  type ServiceOptions,
  type Upstream,
  type UpstreamParts,
} from "./service.ts";
import { createFileCheckpoints } from "./tail/index.ts";

export interface DomainServiceOptions
  extends Pick<ServiceOptions, "service" | "topics" | "routes" | "pipelines" | "ingress" | "domain"> {
  readonly config: ServiceConfig;
  /** `config.BROKER` is the name of one of them. */
  readonly brokers: BrokerChoices;
  /** How much of the log a read model is built from that has no checkpoint, ms. Default: all of it. */
  readonly rebuildMs?: number;
  /** `folder`: the data folder. Undefined: there is no upstream but those that connect. */
  readonly upstream?: (
    parts: UpstreamParts & { readonly folder: string },
  ) => Upstream | undefined | Promise<Upstream | undefined>;
}

/** Resolves when the service is ready; `stop` closes its broker, too. Rejects with what is refused, and leaves nothing open. */
export async function startDomainService(options: DomainServiceOptions): Promise<DistributionService> {
  const { service, config, brokers, upstream, rebuildMs, ...domain } = options;
  const { name } = service;
  const folder = openDataFolder(variableOf(name, "DATA_DIR"), config.DATA_DIR);
  const logger = createLogger(name, config.LOG_LEVEL);
  const broker = await brokers[config.BROKER]!.open(config, { service: name, folder, logger });
  try {
    const started = await createDistributionService({
      ...domain,
      service,
      broker,
      logger,
      listen: {
        host: config.HOST,
        port: config.PORT,
        grpcPort: config.GRPC_PORT,
        adminPort: config.ADMIN_PORT,
        origins: config.ORIGINS,
        hosts: config.HOSTS,
      },
      secret: secretOf(join(folder, "secret")),
      checkpoints: createFileCheckpoints(join(folder, "tables")),
      projections: {
        files: createCheckpointFiles(join(folder, "projections")),
        ...(rebuildMs !== undefined && { rebuildMs }),
      },
      ...(upstream && { upstream: (parts) => upstream({ ...parts, folder }) }),
    });
    return { ...started, stop: () => started.stop().finally(() => broker.close()) };
  } catch (failure) {
    await broker.close();
    throw failure;
  }
}
