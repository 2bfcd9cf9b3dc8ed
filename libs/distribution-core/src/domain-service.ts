/** A domain as a service of its own, from its settings: its data folder, its broker in it, and all that is the same for every domain. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { BrokerChoices } from "./brokers/choice.ts";
import type { Broker } from "./brokers/index.ts";
import { type ServiceConfig, variableOf } from "./config.ts";
import { openDataFolder, secretOf } from "./data-folder.ts";
import { createLogger } from "./observability/index.ts";
import { ownFolder } from "./ownership.ts";
import { createCheckpointFiles } from "./projections/index.ts";
import { doneWithin, systemRuntime } from "./runtime/index.ts";
import {
  createDistributionService,
  type DistributionService,
  type ServiceOptions,
  type Upstream,
  type UpstreamParts,
} from "./service.ts";
import { createFileCheckpoints } from "./tail/index.ts";

/** How long the broker may take to let go of everything, ms: within what a process has for its stop, after what the service takes. */
const CLOSE_WITHIN_MS = 2_000;

export interface DomainServiceOptions
  extends Pick<ServiceOptions, "service" | "topics" | "routes" | "pipelines" | "ingress" | "domain"> {
  readonly config: ServiceConfig;
  /** `config.BROKER` is the name of one of them. */
  readonly brokers: BrokerChoices;
  /** How much of the log a read model is built from that has no checkpoint, ms. Default: all of it. */
  readonly rebuildMs?: number;
  /** `folder`: of what belongs to its log. Undefined: there is no upstream but those that connect. */
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
  const owned = ownFolder(folder);
  let broker: Broker | undefined;
  const close = async (): Promise<void> => {
    try {
      const closing = broker?.close() ?? Promise.resolve();
      if (await doneWithin(systemRuntime, closing, CLOSE_WITHIN_MS)) return;
      logger.warn({ withinMs: CLOSE_WITHIN_MS }, "The broker does not answer, and is not waited for any more.");
    } finally {
      owned.release();
    }
  };
  try {
    const logFolder = folderOfLog(folder, brokers, config.BROKER);
    broker = await brokers[config.BROKER]!.open(config, {
      ...{ service: name, folder, logger },
      variable: (setting) => variableOf(name, setting),
    });
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
      checkpoints: createFileCheckpoints(join(logFolder, "tables")),
      projections: {
        files: createCheckpointFiles(join(logFolder, "projections")),
        ...(rebuildMs !== undefined && { rebuildMs }),
      },
      ...(upstream && { upstream: (parts) => upstream({ ...parts, folder: logFolder }) }),
    });
    return {
      ...started,
      async stop() {
        try {
          await started.stop();
        } finally {
          await close();
        }
      },
    };
  } catch (failure) {
    await close();
    throw failure;
  }
}

/**
 * Where the service keeps what it knows of its log, as one broker's log says nothing of another's: the data folder itself for the
 * broker that is the default, a folder of its name in it for any other. So a service finds all again that goes back.
 */
function folderOfLog(folder: string, brokers: BrokerChoices, broker: string): string {
  if (broker === Object.keys(brokers)[0]) return folder;
  const own = join(folder, broker);
  mkdirSync(own, { recursive: true });
  return own;
}
