/**
 * Runs services side by side: says when all are ready, and ends with them. A service that ends by itself is told, not started
 * again: who looks at the others should know that it was away, and why.
 */
import { readyText } from "./ready-text.ts";
import type { Screen } from "./screen.ts";
import { type End, type ServiceProcess, startServiceProcess } from "./service-process.ts";
import type { LaunchedService } from "./services.ts";

export interface LaunchOptions {
  /** The checkout: working directory of every service. */
  readonly root: string;
  readonly services: readonly LaunchedService[];
  readonly screen: Screen;
  /** What `--brokers` was given: whoever starts one of them again has to say it, too. */
  readonly brokers?: string | undefined;
  readonly environment?: NodeJS.ProcessEnv;
  /** The Node that runs the services: a path. Default: the one of this process. */
  readonly node?: string;
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

type Phase = "starting" | "ready" | "stopping";

export function launch(options: LaunchOptions): Launch {
  const { root, services, screen, brokers, environment = process.env, node = process.execPath } = options;
  const done = Promise.withResolvers<0 | 1>();
  const failures: string[] = [];
  const running = new Set<ServiceProcess>();
  let phase: Phase = "starting";
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
  const onEnd = (service: ServiceProcess, end: End): void => {
    running.delete(service);
    const { how, failure } = judge(service, end, phase, node);
    if (failure !== undefined) failures.push(failure);
    if (phase === "ready") {
      const others = running.size > 0 ? " The others go on." : "";
      // Without the same brokers it would begin on another log.
      const on = brokers === undefined ? "" : ` --brokers ${brokers}`;
      const again = `To have it again: npm start -- ${service.name}${on}`;
      screen.note(screen.tint("red", `${service.name} ${how}.${others} ${again}`));
    }
    if (phase === "starting") stop();
    if (running.size > 0) return;
    clearTimeout(late);
    for (const each of failures) screen.note(screen.tint("red", each));
    done.resolve(failures.length === 0 ? 0 : 1);
  };

  const width = Math.max(...services.map(({ name }) => name.length));
  const processes = services.map((service, index): ServiceProcess => {
    const prefix = screen.tint(TONES[index % TONES.length]!, `${service.name.padEnd(width)} │ `);
    const started = startServiceProcess({
      ...{ service, root, environment, screen, prefix, node, onReady },
      onEnd: (end) => onEnd(started, end),
    });
    running.add(started);
    return started;
  });
  return { done: done.promise, stop, kill: () => signalAll("SIGKILL") };
}

/** How a service ended, in words, and with what it failed, if it did. */
function judge(
  { name, report, lastWords }: ServiceProcess,
  end: End,
  phase: Phase,
  node: string,
): { readonly how: string; readonly failure?: string } {
  if ("failure" in end) {
    const how = `did not start, ${node} could not be run: ${reasonOf(end.failure)}`;
    return { how, failure: `${name} ${how}.` };
  }
  const { code, signal } = end;
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
  // Told to stop before it listened to signals: there was nothing to drain.
  const early = phase === "stopping" && report === undefined && signal === "SIGTERM";
  if (report === undefined && !early && (code !== 0 || phase === "starting")) {
    return { how, failure: [`${name} did not start, it ${how}:`, ...lastWords].join("\n") };
  }
  if (code === 0 || early) return { how };
  return {
    how,
    failure: `${name} ${how} ${phase === "stopping" ? "instead of stopping as it should" : "while it ran"}.`,
  };
}

/** In words where there is something to do about it. */
function reasonOf({ code = "", message }: NodeJS.ErrnoException): string {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "it is not there, or the folder of the checkout is not; install again (npm ci)",
    EACCES: "this user has no right to run it; give it that right, or install again as this user",
    EAGAIN: "this user has as many processes as it may have; end some, or raise the limit (ulimit -u)",
    EMFILE: "this process has as many open files as it may have; raise the limit (ulimit -n)",
    ENOMEM: "there is no memory left; free some, or start fewer services (npm start -- <service>)",
  };
  return `${reasons[code] ?? message} (${code})`;
}
