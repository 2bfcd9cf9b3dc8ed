/** As much of a Pulsar client as the tests of the broker need: its REST API, and two commands of the binary protocol. */
import { once } from "node:events";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";

export interface Access {
  readonly token?: string | undefined;
  /** PEM of the authority to trust. */
  readonly authority?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export async function call(method: string, url: string, access: Access = {}, body?: object): Promise<Answer> {
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  const request = send(url, {
    method,
    agent: false,
    ...(access.authority && { ca: access.authority }),
    headers: {
      ...(access.token && { authorization: `Bearer ${access.token}` }),
      ...(body && { "content-type": "application/json" }),
    },
  });
  request.end(body && JSON.stringify(body));
  const [response] = await once(request, "response");
  return { status: response.statusCode, body: await text(response) };
}

const TOPIC = "persistent/public/default/kept";

/** Creates the topic, if it is not there, and publishes a message, acknowledged. */
export async function publish(adminUrl: string, payload: string, access: Access = {}): Promise<Answer> {
  await call("PUT", `${adminUrl}/admin/v2/${TOPIC}`, access);
  return call("POST", `${adminUrl}/topics/${TOPIC}`, access, { producerName: "test", messages: [{ payload }] });
}

/** The payload of the message at `place`, from 1. */
export async function read(adminUrl: string, place: number, access: Access = {}): Promise<Answer> {
  const query = `initialPosition=earliest&messagePosition=${place}`;
  return call("GET", `${adminUrl}/admin/v2/${TOPIC}/examinemessage?${query}`, access);
}

function varint(value: number): Buffer {
  return value < 128
    ? Buffer.from([value])
    : Buffer.concat([Buffer.from([(value % 128) + 128]), varint(Math.floor(value / 128))]);
}

const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);
const bytes = (field: number, value: string | Buffer): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(Buffer.byteLength(value)), Buffer.from(value as string)]);

/** A frame: its size, the size of the command, the command, whose number is also the field it is in. */
function frame(command: number, fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat([number(1, command), bytes(command, Buffer.concat(fields))]);
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(body.length + 4, 0);
  sizes.writeUInt32BE(body.length, 4);
  return Buffer.concat([sizes, body]);
}

/**
 * Connects and asks where a topic is; what the broker wrote, as text. It answers with addresses, or why not.
 * @throws Error when the connection fails.
 */
export async function lookUp(serviceUrl: string, { token, authority }: Access = {}): Promise<string> {
  const { protocol, port } = new URL(serviceUrl);
  const address = { host: "127.0.0.1", port: Number(port) };
  const socket: Socket = protocol === "pulsar+ssl:" ? connectTls({ ...address, ca: authority }) : connect(address);
  const login = token === undefined ? [] : [bytes(3, token), bytes(5, "token")];
  const frames = async (): Promise<string> => {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    return chunk.toString("latin1");
  };
  try {
    await once(socket, protocol === "pulsar+ssl:" ? "secureConnect" : "connect");
    socket.write(frame(2, [bytes(1, "test"), ...login, number(4, 19)]));
    const connected = await frames();
    if (!connected.includes("Pulsar Server")) return connected;
    socket.write(frame(23, [bytes(1, "persistent://public/default/looked-up"), number(2, 1)]));
    return await frames();
  } finally {
    socket.on("error", () => {}).destroy();
  }
}
