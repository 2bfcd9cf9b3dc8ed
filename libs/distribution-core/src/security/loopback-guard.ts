import { DistributionError } from "../errors.ts";
import { ANONYMOUS, type Guard } from "./contract.ts";

/** Anonymous from loopback; from anywhere else nobody gets in until an identity provider is configured. */
export function createLoopbackGuard(): Guard {
  return {
    identify(credential) {
      if (credential.loopback) return ANONYMOUS;
      throw new DistributionError(
        "unauthenticated",
        `Connections from ${credential.remote} need an identity; this service only knows anonymous clients on loopback.`,
      );
    },
    authorize() {},
  };
}
