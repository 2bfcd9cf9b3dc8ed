#!/usr/bin/env node
/** The entry: `npm run cli -- <command>`. */
import { run } from "./program.ts";
import { createTerminal } from "./terminal.ts";

process.exitCode = await run(process.argv.slice(2), createTerminal());
