/** Topic names and patterns of them: tokens joined by dots, where `*` is any one token and a last `>` one or more. */
import { fieldError } from "../errors.ts";

export interface PatternLimits {
  /** Longest pattern, characters. A topic's name is bounded alike (brokers/contract.ts). */
  readonly maxLength: number;
  readonly maxTokens: number;
}

export const PATTERN_LIMITS: PatternLimits = { maxLength: 200, maxTokens: 16 };

export interface TopicPattern {
  readonly source: string;
  readonly tokens: readonly string[];
  /** Has no wildcard: it is the name of one topic. */
  readonly literal: boolean;
}

const ONE = "*";
const REST = ">";
const TOKEN = /^[a-z0-9-]+$/;

/** Throws `invalid_request` at `path`: an empty or foreign token, a `>` before the end, or more than the limits allow. */
export function parsePattern(source: string, path = "topics", limits: PatternLimits = PATTERN_LIMITS): TopicPattern {
  const refuse = (message: string): Error => fieldError("invalid_request", path, message);
  if (typeof source !== "string" || source === "")
    throw refuse("is empty; give a topic's name or a pattern such as market-data.*");
  if (source.length > limits.maxLength) {
    throw refuse(`has ${source.length} characters; at most ${limits.maxLength} are allowed`);
  }
  const tokens = source.split(".");
  if (tokens.length > limits.maxTokens)
    throw refuse(`has ${tokens.length} tokens; at most ${limits.maxTokens} are allowed`);
  tokens.forEach((token, i) => {
    if (token === "") throw refuse(`token ${i + 1} is empty; join tokens by single dots`);
    if (token === REST && i < tokens.length - 1)
      throw refuse(`"${REST}" stands for the rest and can only be the last token`);
    if (token !== ONE && token !== REST && !TOKEN.test(token)) {
      throw refuse(
        `token ${JSON.stringify(token)} may have a-z, 0-9 and - only, or be "${ONE}" or "${REST}" as a whole`,
      );
    }
  });
  return { source, tokens, literal: !tokens.includes(ONE) && tokens.at(-1) !== REST };
}

/** Whether the pattern covers the topic. `*` is one token, `>` one or more, so `a.>` does not cover `a`. */
export function matchesPattern(pattern: TopicPattern, topic: string): boolean {
  const { tokens, source, literal } = pattern;
  if (literal) return source === topic;
  const names = topic.split(".");
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] === REST) return names.length > i;
    if (i >= names.length || (tokens[i] !== ONE && tokens[i] !== names[i])) return false;
  }
  return names.length === tokens.length;
}

/** From patterns to the ids that gave them. The cost of `match` follows the tokens and the matches, not the patterns. */
export interface TopicTrie {
  /** Number of (pattern, id) pairs. */
  readonly size: number;
  /** The same pair again changes nothing. */
  add(pattern: TopicPattern, id: number): void;
  /** A pair that is not here changes nothing. */
  remove(pattern: TopicPattern, id: number): void;
  /** The ids of all patterns that cover the topic, each once. */
  match(topic: string): Set<number>;
}

interface TrieNode {
  readonly children: Map<string, TrieNode>;
  readonly ids: Set<number>;
}

const emptyNode = (): TrieNode => ({ children: new Map(), ids: new Set() });

export function createTopicTrie(): TopicTrie {
  const root = emptyNode();
  let size = 0;
  return {
    get size() {
      return size;
    },
    add({ tokens }, id) {
      let node = root;
      for (const token of tokens) {
        let child = node.children.get(token);
        if (!child) {
          child = emptyNode();
          node.children.set(token, child);
        }
        node = child;
      }
      if (!node.ids.has(id)) size++;
      node.ids.add(id);
    },
    remove({ tokens }, id) {
      if (removeAt(root, tokens, 0, id)) size--;
    },
    match(topic) {
      const found = new Set<number>();
      collect(root, topic.split("."), 0, found);
      return found;
    },
  };
}

/** Takes empty branches along. */
function removeAt(node: TrieNode, tokens: readonly string[], depth: number, id: number): boolean {
  const token = tokens[depth];
  if (token === undefined) return node.ids.delete(id);
  const child = node.children.get(token);
  if (!child || !removeAt(child, tokens, depth + 1, id)) return false;
  if (child.ids.size === 0 && child.children.size === 0) node.children.delete(token);
  return true;
}

function collect(node: TrieNode, names: readonly string[], depth: number, found: Set<number>): void {
  const name = names[depth];
  if (name === undefined) {
    for (const id of node.ids) found.add(id);
    return;
  }
  for (const id of node.children.get(REST)?.ids ?? []) found.add(id);
  // A topic's own tokens are never wildcards, so the two ways differ.
  const exact = node.children.get(name);
  if (exact) collect(exact, names, depth + 1, found);
  const any = node.children.get(ONE);
  if (any && any !== exact) collect(any, names, depth + 1, found);
}
