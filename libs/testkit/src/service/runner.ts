/** An app's service on free ports, in this process or as one of its own, from settings. */
import { type DistributionService, variableOf } from "@distribution/core";
import { emptyFolder, removeFolder } from "./folder.ts";
import { type Exit, type ServiceProcess, spawnProgram, startProgram } from "./process.ts";
import { within } from "./until.ts";

export type Ports = DistributionService["ports"];

/** Without the prefix. */
export type Settings = Readonly<Record<string, string>>;

/** Disposing stops it. */
export type RunningService = DistributionService & AsyncDisposable;

export interface ServiceRunnerOptions {
  /** As settings have it for a prefix, for example `market-data`. */
  readonly name: string;
  readonly start: (environment: Readonly<Record<string, string>>) => Promise<DistributionService>;
  /** The file to run as a process. */
  readonly main: string;
  /** Options of Node for that process. Default: none. */
  readonly nodeOptions?: readonly string[];
  /** Unless a test gives others. Default: none but free ports and a quiet log. */
  readonly settings?: Settings;
  /** Settings of the broker for a service with this data folder, beside its other ones. Default: none. */
  readonly brokerOf?: (folder: string, name: string) => Promise<Settings>;
}

export interface ServiceRunner {
  /** In this process, in the folder of DATA_DIR, or in one that goes with it. */
  startService(settings?: Settings): Promise<RunningService>;
  /** As a process; resolves when it is ready. Disposing kills it if it still runs. */
  startProcess(settings: Settings): Promise<ServiceProcess>;
  /** For a service that is not to become ready: how it ended and what it wrote. */
  runToExit(settings: Settings): Promise<Exit & { readonly output: string }>;
}

export function serviceRunner(options: ServiceRunnerOptions): ServiceRunner {
  const { name, start, main, nodeOptions = [], brokerOf = async () => ({}) } = options;
  const environmentOf = async (settings: Settings): Promise<Record<string, string>> => {
    const standard = { PORT: "0", GRPC_PORT: "0", ADMIN_PORT: "0", LOG_LEVEL: "warn", ...options.settings };
    const folder = settings["DATA_DIR"];
    const broker = folder === undefined ? {} : await brokerOf(folder, name);
    const all = Object.entries({ ...standard, ...broker, ...settings });
    return Object.fromEntries(all.map(([setting, value]) => [variableOf(name, setting), value]));
  };
  const programOf = async (settings: Settings) => ({
    ...{ options: nodeOptions, main },
    environment: await environmentOf(settings),
  });

  return {
    async startService(settings = {}) {
      const folder = settings["DATA_DIR"] ?? emptyFolder();
      const service = await start(await environmentOf({ LOG_LEVEL: "silent", ...settings, DATA_DIR: folder }));
      return {
        ...service,
        async [Symbol.asyncDispose]() {
          await service.stop();
          if (settings["DATA_DIR"] === undefined) removeFolder(folder);
        },
      };
    },
    startProcess: async (settings) => startProgram(await programOf(settings)),
    async runToExit(settings) {
      await using run = spawnProgram(await programOf(settings));
      const exit = await within("the service ends by itself", run.exit);
      return { ...exit, output: run.output() };
    },
  };
}
