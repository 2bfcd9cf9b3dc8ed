/** For tests and other tools. */
export { EXIT, type ExitCode } from "./exit.ts";
export { run } from "./program.ts";
export { createTerminal, type Terminal } from "./terminal.ts";
