/** Protobuf messages and enums as tables to read, with the comments of the .proto files. */
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { messageOf } from "@distribution/proto-types/descriptors";
import { commentOf } from "./comments.ts";
import { type Html, html, table } from "./html.ts";

/** The frames of both directions, then the types they are made of. */
export function framesSection(): Html {
  const roots = [messageOf("distribution.v1.ClientFrame"), messageOf("distribution.v1.ServerFrame")] as const;
  const frames = roots.flatMap(framesOf).flatMap(({ message }) => message ?? []);
  return html`<h3>From the client</h3>${framesOf(roots[0]).map((field) => frameDetails("client", field))}
<h3>From the service</h3>${framesOf(roots[1]).map((field) => frameDetails("server", field))}
<h3>Types in frames</h3>${typesIn(frames).map(typeDetails)}`;
}

/** The fields of a message; those of a type that `framesSection` shows lead there. */
function fieldTable(message: DescMessage): Html {
  if (message.fields.length === 0) return html`<p>It has no fields.</p>`;
  const rows = message.fields.map(
    (field) =>
      html`<tr><td><code>${field.jsonName}</code></td><td>${typeOf(field)}</td><td>${commentOf(field)}</td></tr>`,
  );
  return table(["Field", "Type", "Meaning"], rows);
}

const framesOf = (root: DescMessage): readonly DescField[] => root.oneofs.flatMap(({ fields }) => fields);

function frameDetails(side: "client" | "server", { jsonName, message }: DescField): Html {
  return html`<details id="${side}-${jsonName}"><summary><code>${jsonName}</code> ${commentOf(message!)}</summary>
${fieldTable(message!)}</details>`;
}

function typeDetails(type: DescMessage | DescEnum): Html {
  const head = html`<summary><code>${type.name}</code> ${commentOf(type)}</summary>`;
  return html`<details id="${anchor(type)}">${head}${type.kind === "message" ? fieldTable(type) : valueTable(type)}</details>`;
}

function valueTable(type: DescEnum): Html {
  const rows = type.values.map(
    (value) => html`<tr><td><code>${value.name}</code></td><td>${commentOf(value)}</td></tr>`,
  );
  return table(["Value", "Meaning"], rows);
}

function typeOf(field: DescField): Html {
  const type = field.message ?? field.enum;
  const name = type
    ? type.file.name.startsWith("distribution/v1/")
      ? html`<a href="#${anchor(type)}">${type.name}</a>`
      : html`${type.name}`
    : html`${ScalarType[field.scalar ?? 0]?.toLowerCase() ?? ""}`;
  if (field.fieldKind === "list") return html`list of ${name}`;
  return field.fieldKind === "map" ? html`map of ${name}` : name;
}

const anchor = (type: DescMessage | DescEnum): string => `type-${type.name}`;

/** What the messages reach through their fields, themselves left out, by name. */
function typesIn(messages: readonly DescMessage[]): readonly (DescMessage | DescEnum)[] {
  const found = new Set<DescMessage | DescEnum>(messages);
  for (const type of found) {
    if (type.kind === "enum") continue;
    for (const field of type.fields) {
      const inner = field.message ?? field.enum;
      if (inner) found.add(inner);
    }
  }
  return [...found]
    .filter((type) => type.kind === "enum" || !messages.includes(type))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
