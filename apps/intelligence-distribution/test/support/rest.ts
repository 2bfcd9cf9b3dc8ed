/** The REST face as a client uses it: what is this domain's of it. */
import type { IntelligenceEvent } from "@distribution/proto-types/intelligence/v1/intelligence";
import { type Published, publishEvents, type ReadAnswer } from "@distribution/testkit/service";
import type { FindingView, SymbolView } from "../../src/domain/views.ts";
import { eventOf, topicOf } from "./findings.ts";
import type { Ports } from "./service.ts";

export {
  get,
  getAfter,
  hasEvents,
  logOf,
  publishEvents,
  publishJson,
  type ReadAnswer,
  readPages,
  refusal,
} from "@distribution/testkit/service";

export type FindingsAnswer = ReadAnswer & { readonly findings: readonly FindingView[] };
export type FindingAnswer = ReadAnswer & {
  readonly finding: FindingView;
  readonly sources?: { readonly findings: readonly FindingView[]; readonly missing: readonly string[] };
};
export type SymbolsAnswer = ReadAnswer & { readonly symbols: readonly SymbolView[] };

/** Findings of one kind, on its topic, in one batch. Throws Refused. */
export const publish = (ports: Ports, ...findings: readonly IntelligenceEvent[]): Promise<Published> =>
  publishEvents(
    ports,
    topicOf(findings[0]!),
    findings.map((each) => eventOf(each)),
  );

export const idsOf = ({ findings }: FindingsAnswer): string[] => findings.map(({ intelligenceId }) => intelligenceId);
