/**
 * Patterns over names whose tokens are joined by dots, of topics and event types: `*` is any one token, a last `>` one or more.
 * A name is the pattern of itself.
 */
export const PATTERN_LIMITS = { maxCharacters: 256, maxTokens: 16 } as const;

const ONE = "*";
const REST = ">";
const TOKEN = /^[^*>\s]+$/;

/** What is wrong with the pattern, with the limit or what to do; undefined: nothing is. */
export function patternMistake(pattern: string): string | undefined {
  const { maxCharacters, maxTokens } = PATTERN_LIMITS;
  if (pattern === "") return "is empty; give a name or a pattern such as market-data.*";
  if (pattern.length > maxCharacters) return `has ${pattern.length} characters; at most ${maxCharacters} are allowed`;
  const tokens = pattern.split(".");
  if (tokens.length > maxTokens) return `has ${tokens.length} tokens; at most ${maxTokens} are allowed`;
  for (const [index, token] of tokens.entries()) {
    if (token === "") return `token ${index + 1} is empty; join tokens by single dots`;
    if (token === REST && index < tokens.length - 1)
      return `"${REST}" stands for the rest and can only be the last token`;
    if (token === ONE || token === REST || TOKEN.test(token)) continue;
    return `token ${JSON.stringify(token)} may have no space in it, and "${ONE}" or "${REST}" only as a whole`;
  }
  return undefined;
}

/** `*` is one token, `>` one or more, so `a.>` does not cover `a`. The pattern is one without a mistake. */
export function patternCovers(pattern: string, name: string): boolean {
  const wanted = pattern.split(".");
  const given = name.split(".");
  for (const [index, token] of wanted.entries()) {
    if (token === REST) return given.length > index;
    if (index >= given.length || (token !== ONE && token !== given[index])) return false;
  }
  return wanted.length === given.length;
}
