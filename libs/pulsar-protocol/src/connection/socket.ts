/** Opens a TCP or TLS socket to a broker. */
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { TlsOptions } from "../contract.ts";
import { PulsarError } from "../errors.ts";
import type { Address } from "../options.ts";

const asBuffer = (pem: string | Uint8Array): string | Buffer => (typeof pem === "string" ? pem : Buffer.from(pem));

function begin({ tls, host, port }: Address, options: TlsOptions): Socket {
  if (!tls) return connectTcp({ host, port, noDelay: true });
  const name = options.serverName ?? (isIP(host) === 0 ? host : undefined);
  return connectTls({
    host,
    port,
    rejectUnauthorized: options.verify ?? true,
    ...(name === undefined ? {} : { servername: name }),
    ...(options.ca === undefined ? {} : { ca: asBuffer(options.ca) }),
    ...(options.cert === undefined ? {} : { cert: asBuffer(options.cert) }),
    ...(options.key === undefined ? {} : { key: asBuffer(options.key) }),
  });
}

/** Rejects with `unavailable`, `handshake`, or `tls` when the certificates are not to each other's liking. */
export function openSocket(address: Address, tls: TlsOptions, deadline: number): Promise<Socket> {
  const where = `${address.host}:${address.port}`;
  return new Promise((resolve, reject) => {
    let socket: Socket;
    try {
      socket = begin(address, tls);
    } catch (cause) {
      return reject(new PulsarError("invalid_argument", `tls cannot be used: ${(cause as Error).message}`, { cause }));
    }
    const settle = (): void => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      socket.removeAllListeners("close");
    };
    const fail = (error: PulsarError): void => {
      settle();
      socket.on("error", () => undefined);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new PulsarError("unavailable", `${where} could not be reached in time.`)),
      Math.max(0, deadline - Date.now()),
    );
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      fail(tlsError(where, cause) ?? failed(where, cause));
    });
    socket.on("close", () => fail(new PulsarError("unavailable", `${where} closed the connection.`)));
    socket.on(address.tls ? "secureConnect" : "connect", () => {
      settle();
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

function failed(where: string, cause: NodeJS.ErrnoException): PulsarError {
  if (cause.message.includes("secure TLS connection was established")) {
    return new PulsarError("handshake", `${where} closed the connection in TLS's handshake.`, { cause });
  }
  return new PulsarError("unavailable", `${where} could not be reached: ${cause.message || cause.code}`, { cause });
}

/** Of errors of OpenSSL's verification, of Node's check of the name, and of what both sides say in TLS. */
export function tlsError(where: string, cause: NodeJS.ErrnoException | undefined): PulsarError | undefined {
  const { code = "", message = "" } = cause ?? {};
  if (/^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA)/.test(code)) {
    // Node's own words tell of its options, which nobody who uses a client can set.
    return new PulsarError("tls", `${where} has a certificate that is not trusted (${code}).`, { cause });
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID" || code === "EPROTO" || code.startsWith("ERR_SSL_")) {
    return new PulsarError("tls", `${where}: TLS fails (${code}): ${message.trim()}`, { cause });
  }
  return undefined;
}
