/** Who is asking, and the one place that decides whether they may. */

export interface Identity {
  /** `anonymous`, or the subject of the credential. */
  readonly subject: string;
  /** Free attributes for decisions: roles, desk, tenant. */
  readonly attributes: Readonly<Record<string, string>>;
}

export type Action =
  | { readonly kind: "connect" }
  | { readonly kind: "publish"; readonly topic: string }
  | { readonly kind: "subscribe"; readonly topic: string }
  | { readonly kind: "read"; readonly topic: string }
  | { readonly kind: "administer" };

export interface Credential {
  /** Of an Authorization header or an authenticate frame, without its scheme. Absent: none was shown. */
  readonly token?: string;
  /** Remote address. */
  readonly remote: string;
  /** True when the peer is on the loopback interface. */
  readonly loopback: boolean;
}

/** The decision point. Both answer at once: what they need is in memory. */
export interface Guard {
  /** Throws `unauthenticated`. */
  identify(credential: Credential): Identity;
  /** Throws `forbidden` with what was refused. */
  authorize(identity: Identity, action: Action): void;
}

export const ANONYMOUS: Identity = { subject: "anonymous", attributes: {} };
