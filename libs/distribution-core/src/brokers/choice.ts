/** What a broker is to a service's settings: one of those that `<SERVICE>_BROKER` chooses from. */
import type { z } from "zod";
import type { Logger } from "../observability/index.ts";
import type { Broker } from "./contract.ts";

/** Where and for whom a broker is opened. */
export interface BrokerPlace {
  /** The service's name, for example `market-data`: what is kept in common with other services is told apart by it. */
  readonly service: string;
  /** The service's data folder, absolute and writable. A broker that keeps data there makes a folder of its own in it. */
  readonly folder: string;
  /** The variable that sets a setting here, for messages: EXECUTION_KAFKA_USER for KAFKA_USER. */
  readonly variable: (setting: string) => string;
  readonly logger: Logger;
}

export interface BrokerChoice<Settings extends z.ZodRawShape = z.ZodRawShape> {
  /**
   * Its own settings by their names without the service's prefix; every name begins with the broker's (`KAFKA_BROKERS`). They
   * are read only when the broker is chosen. Secrets are not among them, but the files that have them.
   */
  readonly settings: Settings;
  /** `settings`: what was read, among the service's own. Rejects with what the broker refuses. Whoever opens it closes it. */
  open(settings: z.infer<z.ZodObject<Settings>>, place: BrokerPlace): Promise<Broker>;
}

/** By the names that settings have for them. The first is the one that a service takes when it is told nothing. */
export type BrokerChoices = Readonly<Record<string, BrokerChoice>>;
