/** What an event's key and the texts of its payload have to be beside what its message says. */
import {
  bytesAsParts,
  canonicalDecimal,
  EVENT_FIELD,
  type EventPath,
  invalidEvent,
  type NotedTexts,
  type PayloadCodec,
  type TextPart,
} from "../events/index.ts";
import type { DecimalRange, EventTypeDefinition } from "../topics.ts";
import type { PayloadCheck } from "./payload-check.ts";

const KEY = "key";
/** Of a text in errors, characters. */
const SHOWN = 100;
const LEAST_SIGN: Readonly<Record<DecimalRange, number>> = { any: -1, "0 or above": 0, "above 0": 1 };

/** A text that a rule is of. */
interface Text {
  /** In the notes. */
  readonly place: number;
  readonly name: string;
}

interface DecimalText extends Text {
  readonly range: DecimalRange;
  readonly leastSign: number;
}

interface SpelledText extends Text {
  /** Text with the names of texts in braces. */
  readonly template: string;
  readonly parts: readonly TextPart[];
}

/**
 * Undefined: the type has no such rules. What is checked has just gone through the codec. Throws Error for a rule that names no
 * text of the codec's message.
 */
export function createFieldRules(type: EventTypeDefinition, codec: PayloadCodec): PayloadCheck | undefined {
  const { notes } = codec;
  const key = notes.add();
  const placeOf = (name: string): number => (name === KEY ? key : codec.note(name));
  const stated = (type.stated ?? []).map((name): Text => ({ place: placeOf(name), name }));
  const decimals = Object.entries(type.decimals ?? {}).map(
    ([name, range]): DecimalText => ({ place: placeOf(name), name, range, leastSign: LEAST_SIGN[range] }),
  );
  const spelled = Object.entries(type.spelled ?? {}).map(([name, template]): SpelledText => {
    const parts = template.split(/[{}]/).flatMap((text, at) => (at % 2 === 0 ? bytesAsParts(text) : placeOf(text)));
    return { place: placeOf(name), name, template, parts };
  });
  if (stated.length + decimals.length + spelled.length === 0) return undefined;
  // Loops, no list of checks to call: it is done for every event.
  return (envelope, path) => {
    notes.takeFrom(envelope.bytes, key, envelope.startOf(EVENT_FIELD.key), envelope.endOf(EVENT_FIELD.key));
    for (let at = 0; at < stated.length; at += 1) {
      if (notes.isEmpty(stated[at]!.place)) throw notStated(path, stated[at]!);
    }
    for (let at = 0; at < decimals.length; at += 1) {
      const { place, leastSign } = decimals[at]!;
      if (notes.isEmpty(place) || (notes.isCanonical(place) && notes.sign(place) >= leastSign)) continue;
      throw wrongDecimal(path, notes, decimals[at]!);
    }
    for (let at = 0; at < spelled.length; at += 1) {
      const { place, parts } = spelled[at]!;
      if (!notes.isJoined(place, parts)) throw wrongSpelling(path, notes, spelled[at]!);
    }
    notes.release();
  };
}

const notStated = (path: EventPath, text: Text): Error =>
  invalidEvent(path, "It is missing or empty. Events of this type state it.", memberOf(text));

function wrongDecimal(path: EventPath, notes: NotedTexts, text: DecimalText): Error {
  const right = canonicalDecimal(notes.text(text.place));
  const rule = notes.isCanonical(text.place)
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
