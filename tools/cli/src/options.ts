/** Options that several commands share, and what becomes of them. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { FORMATS, type Format } from "./output/contract.ts";
import { baseUrl, SERVICES } from "./service/address.ts";
import { type Api, createApi } from "./service/api.ts";
import type { Terminal } from "./terminal.ts";

export interface ConnectionOptions {
  readonly url?: string;
  readonly service?: string;
  readonly token?: string;
}

export interface OutputOptions {
  readonly output?: Format;
  readonly fields: readonly string[];
}

export interface SelectionOptions {
  readonly keys: readonly string[];
  readonly filter?: string;
}

export function withConnection(command: Command): Command {
  return command
    .option("-u, --url <url>", "address of the service, for example http://localhost:7030")
    .addOption(
      new Option(
        "-s, --service <name>",
        "a service at its default port on this machine; default: DISTRIBUTION_URL, then what the topic begins with",
      ).choices(Object.keys(SERVICES)),
    )
    .addOption(new Option("--token <token>", "bearer token or API key").env("DISTRIBUTION_TOKEN"));
}

export function withOutput(command: Command): Command {
  return command
    .addOption(
      new Option(
        "-o, --output <format>",
        "table, json (one list), jsonl (a line each), fields (tabs); table on a terminal, else jsonl",
      ).choices(FORMATS),
    )
    .addOption(
      new Option("-f, --fields <list>", "columns, comma-separated: time,key,data.trade.price,topic,offset")
        .argParser(list)
        .default([], "what suits"),
    );
}

export function withSelection(command: Command): Command {
  return command
    .addOption(
      new Option("-k, --keys <list>", "only these keys, comma-separated or given again")
        .argParser(list)
        .default([], "all"),
    )
    .option("--filter <cel>", "only events for which this CEL expression is true");
}

/** `topics`: what the command is about, which tells the service where nothing else does. */
export const apiOf = (
  { token, ...address }: ConnectionOptions,
  { signal }: Terminal,
  topics: readonly string[] = [],
): Api => createApi({ base: baseUrl(address, topics), token, signal });

/** A person at a terminal gets a table, a program the lines; who names fields gets those. */
export const formatOf = ({ output, fields }: OutputOptions, { isTerminal }: Terminal): Format =>
  output ?? (isTerminal ? "table" : fields.length > 0 ? "fields" : "jsonl");

export function list(text: string, before: readonly string[]): readonly string[] {
  return [...before, ...text.split(",").filter((each) => each !== "")];
}

/** For whole numbers from 1 on. */
export function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("Give a whole number from 1 on.");
}

/** For numbers above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("Give a number above 0.");
}
