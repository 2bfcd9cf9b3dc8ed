/** Starts the service, says where it is, and ends it on SIGTERM or SIGINT: 0 when all went well, 1 otherwise. */
import { runService } from "@distribution/core";
import { startNewDomain } from "./compose.ts";
import { readConfig } from "./config.ts";

await runService("new-domain", () => startNewDomain(readConfig(process.env)));
