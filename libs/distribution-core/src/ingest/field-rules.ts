/** What an event's key and the texts of its payload have to be beside what its message says. */
import {
  bytesAsParts,
  canonicalDecimal,
  EVENT_FIELD,
  type EventPath,
  FORM,
  invalidEvent,
  type NotedTexts,
  type PayloadCodec,
} from "../events/index.ts";
import type { DecimalRange, EventTypeDefinition } from "../topics.ts";
import type { PayloadCheck } from "./payload-check.ts";

const KEY = "key";
/** Of a text in errors, characters. */
const SHOWN = 100;
const LEAST_FORM: Readonly<Record<DecimalRange, number>> = {
  any: FORM.negative,
  "0 or above": FORM.zero,
  "above 0": FORM.positive,
};

/** A text that a rule is of. */
interface Text {
  /** In the notes. */
  readonly place: number;
  readonly name: string;
}

interface DecimalText extends Text {
  readonly range: DecimalRange;
  readonly leastForm: number;
}

interface SpelledText extends Text {
  /** Text with the names of texts in braces. */
  readonly template: string;
  readonly parts: Int32Array;
}

/**
 * Undefined: the type has no such rules. What is checked has just gone through the codec. Throws Error for a rule that names no
 * text of the codec's message, or is of a decimal and names another text.
 */
export function createFieldRules(type: EventTypeDefinition, codec: PayloadCodec): PayloadCheck | undefined {
  const { notes } = codec;
  const placeOf = (name: string): number => (name === KEY ? notes.outside : codec.note(name));
  const decimalOf = (name: string): number => {
    const place = placeOf(name);
    if (notes.isDecimal(place)) return place;
    throw new Error(`${codec.typeName} does not mark ${name} as decimal: a rule of decimals is of such a text.`);
  };
  const stated = (type.stated ?? []).map((name): Text => ({ place: placeOf(name), name }));
  const decimals = Object.entries(type.decimals ?? {}).map(
    ([name, range]): DecimalText => ({ place: decimalOf(name), name, range, leastForm: LEAST_FORM[range] }),
  );
  const spelled = Object.entries(type.spelled ?? {}).map(([name, template]): SpelledText => {
    const parts = template.split(/[{}]/).flatMap((text, at) => (at % 2 === 0 ? bytesAsParts(text) : placeOf(text)));
    return { place: placeOf(name), name, template, parts: Int32Array.from(parts) };
  });
  if (stated.length + decimals.length + spelled.length === 0) return undefined;
  // Numbers in a row, no list of checks to call: it is done for every event.
  const statedPlaces = Int32Array.from(stated, ({ place }) => place);
  const decimalPlaces = Int32Array.from(decimals, ({ place }) => place);
  const leastForms = Int32Array.from(decimals, ({ leastForm }) => leastForm);
  return (envelope, path) => {
    const { bytes } = envelope;
    notes.takeFrom(bytes, notes.outside, envelope.startOf(EVENT_FIELD.key), envelope.endOf(EVENT_FIELD.key), FORM.none);
    const empty = notes.findEmpty(statedPlaces);
    if (empty >= 0) throw notStated(path, stated[empty]!);
    const below = notes.findBelow(decimalPlaces, leastForms);
    if (below >= 0) throw wrongDecimal(path, notes, decimals[below]!);
    for (let at = 0; at < spelled.length; at += 1) {
      if (!notes.isJoined(spelled[at]!.place, spelled[at]!.parts)) throw wrongSpelling(path, notes, spelled[at]!);
    }
    notes.release();
  };
}

const notStated = (path: EventPath, text: Text): Error =>
  invalidEvent(path, "It is missing or empty. Events of this type state it.", memberOf(text));

function wrongDecimal(path: EventPath, notes: NotedTexts, text: DecimalText): Error {
  const right = canonicalDecimal(notes.text(text.place));
  const rule =
    notes.form(text.place) !== FORM.spare
      ? `and has to be ${text.range}.`
      : `and has to be ${JSON.stringify(right)}: equal numbers are equal texts.`;
  return invalidEvent(path, `It is ${shown(notes, text)}, ${rule}`, memberOf(text));
}

function wrongSpelling(path: EventPath, notes: NotedTexts, text: SpelledText): Error {
  const right = JSON.stringify(notes.joined(text.parts).slice(0, SHOWN));
  const rule = `It is ${shown(notes, text)}, and has to be ${right}: ${text.template} of the payload.`;
  return invalidEvent(path, rule, memberOf(text));
}

const shown = (notes: NotedTexts, { place }: Text): string => JSON.stringify(notes.text(place).slice(0, SHOWN));

const memberOf = ({ name }: Text): string => (name === KEY ? KEY : `data.${name}`);
