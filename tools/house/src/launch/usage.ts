import type { LaunchedService } from "./services.ts";

/** What `npm start -- --help` says. */
export const usage = (services: readonly LaunchedService[]): string => `Starts the services side by side, until Ctrl-C.

  npm start                               all of them, their logs under ./data
  npm start -- <service> ...              some of them: ${services.map(({ name }) => name).join(", ")}
  npm start -- --brokers <which>          their logs on: embedded (default), kafka, pulsar, or production, which is
                                          what each is for; "npm run brokers" starts those
  MARKET_DATA_PORT=7130 npm start         with a setting: docs/operations.md lists them, by service`;
