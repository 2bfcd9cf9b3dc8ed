/** HTML written by hand: text is escaped where it is put in, so that nothing can forget it. */

/** Markup that may be put into other markup as it is. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | readonly Html[];

/** A template whose values are escaped, unless they are Html already. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = literals[0] ?? "";
  for (const [index, part] of parts.entries()) text += render(part) + (literals[index + 1] ?? "");
  return new Html(text);
}

/** Plain text with `code` and blank lines between paragraphs, as descriptions are written. */
export function prose(text: string): Html {
  const paragraphs = text.split(/\n\s*\n/).map((paragraph) => {
    const escaped = escapeHtml(paragraph).replace(/`([^`]+)`/g, "<code>$1</code>");
    return `<p>${escaped.replace(/\n(?=- |<code>)/g, "<br>")}</p>`;
  });
  return new Html(paragraphs.join(""));
}

/** Scrolls by itself where it is wider than the page. */
export function table(head: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="scroll"><table><thead><tr>${head.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function render(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return part.map(({ text }) => text).join("");
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
