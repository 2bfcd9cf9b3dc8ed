/** What the end of a connection means: come back and resume, or not. */
import { DistributionClientError, SERVICE_ERRORS, type ServiceErrorCode } from "../errors.ts";

export interface Ending {
  /** True: coming back the same way is of no use. */
  readonly final: boolean;
  readonly error: DistributionClientError;
}

/** RFC 6455: "policy violation". The service ends so what may not be repeated and has no close code of its own. */
const POLICY = 1008;
const FINAL = { from: 3500, to: 3999 } as const;

const BY_CLOSE: ReadonlyMap<number, ServiceErrorCode> = new Map(
  Object.entries(SERVICE_ERRORS).flatMap(([code, definition]) =>
    "close" in definition ? [[definition.close, code as ServiceErrorCode] as const] : [],
  ),
);

/** 3000-3499 and the codes of RFC 6455 reconnect and resume; 3500-3999 and 1008 are final. */
export function endingOf(closeCode: number, reason: string): Ending {
  const final = closeCode === POLICY || (closeCode >= FINAL.from && closeCode <= FINAL.to);
  const code = BY_CLOSE.get(closeCode) ?? (final ? "refused" : "unavailable");
  const message = reason === "" ? `The connection ended with code ${closeCode}.` : reason;
  return { final, error: new DistributionClientError(code, message, { closeCode }) };
}
