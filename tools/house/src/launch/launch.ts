/**
 * Runs services side by side: says when all are ready, and ends with them. A service that ends by itself is told, not started
 * again: who looks at the others should know that it was away, and why.
 */
import { readyText } from "./ready-text.ts";
import type { Screen } from "./screen.ts";
import { type ServiceProcess, startServiceProcess } from "./service-process.ts";
import type { LaunchedService } from "./services.ts";

export interface LaunchOptions {
  /** The checkout: working directory of every service. */
  readonly root: string;
  readonly services: readonly LaunchedService[];
  readonly screen: Screen;
  readonly environment?: NodeJS.ProcessEnv;
}

export interface Launch {
  /** When every process is gone: 0 when all had been ready and ended with 0; otherwise 1, and why is last on the screen. */
  readonly done: Promise<0 | 1>;
  /** Every service drains and ends; after 20 s it is killed. Idempotent. */
  stop(): void;
  /** Ends every service at once. */
  kill(): void;
}

/** Longer than a service gives itself: `STOP_WITHIN_MS` of the core. */
export const KILL_AFTER_MS = 20_000;
const TONES = ["cyan", "magenta", "green", "blue", "yellow"] as const;

export function launch({ root, services, screen, environment = process.env }: LaunchOptions): Launch {
  const done = Promise.withResolvers<0 | 1>();
  const failures: string[] = [];
  const running = new Set<ServiceProcess>();
  let phase: "starting" | "ready" | "stopping" = "starting";
  let late: NodeJS.Timeout | undefined;

  const signalAll = (signal: NodeJS.Signals): void => {
    for (const service of running) service.kill(signal);
  };
  const stop = (): void => {
    if (phase === "stopping") return;
    phase = "stopping";
    signalAll("SIGTERM");
    late = setTimeout(() => signalAll("SIGKILL"), KILL_AFTER_MS);
  };
  const onReady = (): void => {
    if (phase !== "starting" || processes.some(({ report }) => report === undefined)) return;
    phase = "ready";
    screen.note(readyText(processes, environment));
  };
  const onEnd = (service: ServiceProcess, code: number | null, signal: NodeJS.Signals | null): void => {
    running.delete(service);
    const { name, report, lastWords } = service;
    const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
    // Told to stop before it listened to signals: there was nothing to drain.
    const early = phase === "stopping" && report === undefined && signal === "SIGTERM";
    if (report === undefined && !early && (code !== 0 || phase === "starting")) {
      failures.push([`${name} did not start, it ${how}:`, ...lastWords].join("\n"));
    } else if (code !== 0 && !early) {
      failures.push(`${name} ${how} ${phase === "stopping" ? "instead of stopping as it should" : "while it ran"}.`);
    }
    if (phase === "ready") {
      const others = running.size > 0 ? " The others go on." : "";
      screen.note(screen.tint("red", `${name} ${how}.${others} To have it again: npm start -- ${name}`));
    }
    if (phase === "starting") stop();
    if (running.size > 0) return;
    clearTimeout(late);
    for (const failure of failures) screen.note(screen.tint("red", failure));
    done.resolve(failures.length === 0 ? 0 : 1);
  };

  const width = Math.max(...services.map(({ name }) => name.length));
  const processes = services.map((service, index): ServiceProcess => {
    const prefix = screen.tint(TONES[index % TONES.length]!, `${service.name.padEnd(width)} │ `);
    const started = startServiceProcess({
      ...{ service, root, environment, screen, prefix, onReady },
      onEnd: (code, signal) => onEnd(started, code, signal),
    });
    running.add(started);
    return started;
  });
  return { done: done.promise, stop, kill: () => signalAll("SIGKILL") };
}
