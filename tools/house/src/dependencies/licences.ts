/** Which licences a dependency may have: permissive ones, and MPL-2.0, whose duties end at its own files, which we do not change. */

const ALLOWED: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MPL-2.0",
  "Python-2.0",
  "Unlicense",
]);

/**
 * Whether an SPDX expression of names, AND, OR and parentheses can be met by allowed licences alone.
 * Anything that is no such expression is refused.
 */
export function isAllowedLicence(expression: string): boolean {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;

  /** alternatives := all (OR all)* */
  const alternatives = (): boolean => {
    let allowed = all();
    while (tokens[at] === "OR") {
      at += 1;
      allowed = all() || allowed;
    }
    return allowed;
  };
  /** all := term (AND term)* */
  const all = (): boolean => {
    let allowed = term();
    while (tokens[at] === "AND") {
      at += 1;
      allowed = term() && allowed;
    }
    return allowed;
  };
  /** term := name | "(" alternatives ")" */
  const term = (): boolean => {
    const token = tokens[at++];
    if (token !== "(") return token !== undefined && ALLOWED.has(token);
    const allowed = alternatives();
    return tokens[at++] === ")" && allowed;
  };

  const allowed = alternatives();
  return allowed && at === tokens.length;
}
