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

/** Rejects with `unavailable`, or `authentication` when the certificates are not to each other's liking. */
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
      const code = isCertificateError(cause) ? "authentication" : "unavailable";
      fail(new PulsarError(code, `${where} could not be reached: ${cause.message || cause.code}`, { cause }));
    });
    socket.on("close", () => fail(new PulsarError("unavailable", `${where} closed the connection.`)));
    socket.on(address.tls ? "secureConnect" : "connect", () => {
      settle();
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}

/** Errors of OpenSSL's verification, of Node's check of the name, and alerts about the client's certificate. */
function isCertificateError({ code = "" }: NodeJS.ErrnoException): boolean {
  return (
    code === "ERR_TLS_CERT_ALTNAME_INVALID" ||
    /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_SSL_.*(CERT|UNKNOWN_CA))/.test(code)
  );
}
