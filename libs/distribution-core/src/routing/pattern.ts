/** Patterns over names of tokens joined by dots: `*` stands for one token, `>` at the end for one or more. */

const PATTERN = /^(?:(?:[^.*>\s]+|\*)\.)*(?:[^.*>\s]+|\*|>)$/;

/** Whether the text is a pattern; a name without wildcards is one, of itself. */
export function isPattern(text: string): boolean {
  return PATTERN.test(text);
}

export function patternCovers(pattern: string, name: string): boolean {
  const wanted = pattern.split(".");
  const given = name.split(".");
  for (const [index, token] of wanted.entries()) {
    if (token === ">") return given.length > index;
    if (index >= given.length || (token !== "*" && token !== given[index])) return false;
  }
  return wanted.length === given.length;
}
