/** What every broker of this package can be told. */
import { rmSync } from "node:fs";
import type { Engine } from "./engine.ts";
import type { Home } from "./home.ts";

export interface Controls {
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** The folder of its data, configuration and log. */
  readonly home: string;
  /** The file with what it writes: warnings and errors. */
  readonly log: string;
  /** Starts it again after `stop` or `kill`: same ports, same data. Resolves once it is ready. */
  start(): Promise<void>;
  /** A clean end. */
  stop(): Promise<void>;
  /** SIGKILL: no chance to write anything. */
  kill(): Promise<void>;
  /** `stop`, unless it is stopped, and `start`. */
  restart(): Promise<void>;
  /** SIGSTOP: it hangs, its connections stay open. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** From now on it outlives this process, which is then not to start it again. */
  release(): void;
  /** SIGKILL, and the folder is deleted. */
  remove(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What a broker's own start function needs besides. */
export interface FirstStart {
  /** Starts it; when that fails, a temporary folder goes. */
  first(): Promise<void>;
}

/** Not to be spread: `pid` is asked of the process. */
export function createControls(engine: Engine, home: Home): Controls & FirstStart {
  const remove = async (): Promise<void> => {
    await engine.kill();
    rmSync(home.folder, { recursive: true, force: true });
  };
  const first = async (): Promise<void> => {
    try {
      await engine.start();
    } catch (failure) {
      if (home.temporary !== undefined) await remove();
      throw failure;
    }
  };
  return {
    first,
    get pid() {
      return engine.pid;
    },
    home: home.folder,
    log: home.log,
    start: engine.start,
    stop: engine.stop,
    kill: engine.kill,
    async restart() {
      await engine.stop();
      await engine.start();
    },
    release: engine.release,
    pause: engine.hold,
    resume: engine.resume,
    remove,
    [Symbol.asyncDispose]: remove,
  };
}
