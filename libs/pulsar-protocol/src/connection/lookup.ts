/** Which broker serves a topic, and how many partitions it has. */
import { PulsarError } from "../errors.ts";
import { type Address, type ClientSettings, parseServiceUrl } from "../options.ts";
import * as wire from "../wire/commands.ts";
import type { Message } from "../wire/schema.ts";
import type { Connection } from "./connection.ts";
import type { Pool } from "./pool.ts";

const MOST_REDIRECTS = 20;
const RESPONSE = { redirect: 0, connect: 1 } as const;

/** A connection to the broker that serves the topic. */
export async function locate(pool: Pool, settings: ClientSettings, topic: string): Promise<Connection> {
  const service = await pool.service();
  let { connection } = service;
  let authoritative = false;
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    const answer: Message<typeof wire.LOOKUP_RESPONSE> = await connection.request(
      wire.COMMAND.lookup,
      wire.LOOKUP,
      { topic, authoritative, listenerName: settings.listenerName },
      wire.LOOKUP_RESPONSE,
    );
    const address = addressOf(service.address, answer.proxyThroughServiceUrl ?? false, answer.url, answer.urlTls);
    if (answer.response === RESPONSE.connect) return pool.get(address);
    if (answer.response !== RESPONSE.redirect)
      throw new PulsarError("refused", `The lookup of ${topic} failed without a reason.`);
    connection = await pool.get(address);
    authoritative = answer.authoritative ?? false;
  }
  throw new PulsarError("unavailable", `The lookup of ${topic} was redirected more than ${MOST_REDIRECTS} times.`);
}

function addressOf(service: Address, proxied: boolean, url: string | undefined, urlTls: string | undefined): Address {
  const chosen = service.tls ? urlTls : url;
  if (chosen === undefined || chosen === "") {
    const wanted = service.tls ? "TLS" : "plain";
    throw new PulsarError("unavailable", `The broker that serves the topic tells no ${wanted} address of itself.`);
  }
  let address: Address;
  try {
    [address] = parseServiceUrl(chosen);
  } catch (cause) {
    throw new PulsarError("protocol", `A lookup led to ${JSON.stringify(chosen)}, which is no address.`, { cause });
  }
  // A broker that stands for itself, as a standalone does, is no proxy.
  const itself = address.host === service.host && address.port === service.port;
  return proxied && !itself ? { ...service, proxyTo: `${address.host}:${address.port}` } : address;
}

/** 0: not partitioned. Rejects with `topic_not_found` where the broker can tell. */
export async function partitionsOf(pool: Pool, topic: string): Promise<number> {
  const { connection } = await pool.service();
  const answer = await connection.request(
    wire.COMMAND.partitions,
    wire.PARTITIONS,
    { topic, createTopic: false },
    wire.PARTITIONS_RESPONSE,
  );
  return answer.partitions ?? 0;
}
