/** A parsed filter. There may be 100,000 of them: it keeps what the index needs, and the tree of its text only while that runs. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { ParseResult } from "@marcbachmann/cel-js";
import { type DecodedEvent, decodeEvent } from "../../events/fields/index.ts";
import type { Filter } from "../contract.ts";
import { canonicalOf } from "./canonical.ts";
import type { FilterEnvironment } from "./environment.ts";
import { normalize } from "./normalize.ts";
import { type ASTNode, TYPE_VARIABLE, walk } from "./syntax.ts";
import type { Conjunction, FilterPlan, Term } from "./terms.ts";

export interface CelFilterOptions {
  readonly source: string;
  /** What runs: the source, with what the schema says of it. */
  readonly text: string;
  /** Parsed of the text. */
  readonly program: ParseResult;
  readonly message: DescMessage | undefined;
  readonly environment: FilterEnvironment;
}

export class CelFilter implements Filter, FilterPlan {
  readonly source: string;
  readonly canonical: string;
  readonly message: DescMessage | undefined;
  readonly conjunctions: readonly Conjunction[];
  readonly #environment: FilterEnvironment;
  readonly #text: string;
  readonly #readsData: boolean;
  #program: ParseResult | undefined;

  constructor({ source, text, program, message, environment }: CelFilterOptions) {
    const { ast } = program;
    const readsData = namesData(ast);
    this.source = source;
    this.canonical = canonicalOf(ast);
    this.message = message;
    this.conjunctions = normalize(ast, true, message).map((one) => (readsData ? requirePayload(one) : one));
    this.#environment = environment;
    this.#text = text;
    this.#readsData = readsData;
    // Where the index decides alone, as it mostly does, nobody asks the program.
    this.#program = this.conjunctions.some(({ verify }) => verify) ? program : undefined;
    Object.freeze(this);
  }

  get create(): FilterPlan["create"] {
    return this.#environment.create;
  }

  test(bytes: Uint8Array): boolean {
    const event = decodeEvent(bytes, this.message, this.create);
    return event !== undefined && this.testDecoded(event);
  }

  testDecoded(event: DecodedEvent): boolean {
    if (this.#readsData && event.data === undefined) return false;
    this.#program ??= this.#environment.cel.parse(this.#text);
    try {
      return this.#program({ ...event, [TYPE_VARIABLE]: event.type }) === true;
    } catch {
      return false;
    }
  }
}

/** Undefined for a filter that parseFilter did not make. */
export function planOf(filter: Filter): FilterPlan | undefined {
  return filter instanceof CelFilter ? filter : undefined;
}

function namesData(tree: ASTNode): boolean {
  let found = false;
  walk(tree, (node) => {
    found ||= node.op === "id" && node.args === "data";
  });
  return found;
}

const PAYLOAD: Term = { op: "exists", field: { path: ["data"], elements: false } };

/** Terms on the payload imply that it can be read; a conjunction without one has to say so. */
function requirePayload(conjunction: Conjunction): Conjunction {
  const implied = conjunction.terms.some(({ op, field }) => op !== "absent" && field.path[0] === "data");
  return implied ? conjunction : { ...conjunction, terms: conjunction.terms.concat(PAYLOAD) };
}
