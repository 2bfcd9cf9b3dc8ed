/** What the native client's failures are: it names a result at the end of a sentence. */
import { PortError, type PortErrorCode } from "../port.ts";

const CODES: Readonly<Record<string, PortErrorCode>> = {
  AlreadyClosed: "closed",
  AuthenticationError: "refused",
  AuthorizationError: "refused",
  ErrorGettingAuthenticationData: "refused",
  TopicNotFound: "unknown_topic",
  TopicTerminated: "unknown_topic",
  MessageTooBig: "too_large",
  ProducerBlockedQuotaExceededError: "full",
  ProducerBlockedQuotaExceededException: "full",
};

/** `AlreadyClosed`, of "Failed to send message: AlreadyClosed". */
export const resultOf = (failure: unknown): string =>
  /: (\w+)$/.exec(failure instanceof Error ? failure.message : String(failure))?.[1] ?? "";

export function portErrorOf(failure: unknown): PortError {
  if (failure instanceof PortError) return failure;
  const message = failure instanceof Error ? failure.message : String(failure);
  return new PortError(CODES[resultOf(failure)] ?? "unavailable", message, { cause: failure });
}

export async function told<T>(promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (failure) {
    throw portErrorOf(failure);
  }
}
