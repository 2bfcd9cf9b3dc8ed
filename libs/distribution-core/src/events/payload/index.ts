/** Payloads of one protobuf message: checked, converted between protobuf and JSON, and cut. */
import { type DescMessage, fromJson, toBinary } from "@bufbuild/protobuf";
import { checkJsonValue, jsonText, parseJson } from "../json-text.ts";
import { payloadKind } from "../media.ts";
import { asInvalidEvent, excerpt, invalidEvent, pathText } from "../path.ts";
import { checkJsonPayload } from "./check-json.ts";
import { createProtobufChecker } from "./check-protobuf.ts";
import type { PayloadCodec } from "./contract.ts";
import { NotedTexts, note } from "./noted.ts";
import { planMessage } from "./plan.ts";
import { type ProjectionTree, planProjection, projectPayload } from "./projection.ts";
import { createSoundJson } from "./sound-json.ts";
import { createJsonTranscoder } from "./to-json.ts";

export type { PayloadCodec } from "./contract.ts";
export { FORM, MAX_DECIMAL_LENGTH } from "./decimal.ts";
export { bytesAsParts, type NotedTexts } from "./noted.ts";
export { MAX_MESSAGE_DEPTH } from "./plan.ts";
export { MAX_PROJECTION_PATHS } from "./projection.ts";

/**
 * The codec of a topic's message. Throws Error, not DistributionError, on a schema that payloads may not use: one with
 * google.protobuf.Any, groups, required fields, or over 31 oneofs in one message.
 */
export function createPayloadCodec(message: DescMessage): PayloadCodec {
  const plan = planMessage(message);
  const notes = new NotedTexts();
  const checker = createProtobufChecker(plan, notes);
  const sound = createSoundJson(plan, notes);
  const transcoder = createJsonTranscoder(plan);
  const projections = new WeakMap<readonly string[], ProjectionTree>();

  return {
    typeName: message.typeName,
    notes,
    note: (path) => note(plan, path, notes),

    validate(bytes, start, end, contentType, path, member) {
      const kind = payloadKind(contentType);
      notes.begin(bytes);
      if (kind === "protobuf") checker.check(bytes, start, end, path, member);
      else if (kind === "json") {
        if (sound.passes(bytes, start, end, member)) return;
        const place = dataPath(path);
        const value = parseJson(jsonText(bytes, start, end, place), place);
        checkJsonPayload(plan, value, place, member);
        notes.takeParsed(value);
      } else {
        const found = contentType === "" ? "not stated" : excerpt(contentType);
        const message = `It is ${found}; this topic takes application/protobuf and application/json.`;
        throw invalidEvent(path, message, "content_type");
      }
    },

    member(name) {
      const field = plan.byName.get(name);
      if (field?.oneof) return field;
      throw new Error(`${message.typeName} has no field ${name} in a oneof.`);
    },

    toJson: (protobuf) => transcoder.write(protobuf),

    fromJson(json, path = "event") {
      const place = dataPath(path);
      const value = typeof json === "string" ? parseJson(json, place) : json;
      if (typeof json !== "string") checkJsonValue(value, place);
      checkJsonPayload(plan, value, place);
      return asInvalidEvent(place, () => toBinary(message, fromJson(message, value as Parameters<typeof fromJson>[1])));
    },

    project(payload, contentType, paths) {
      let tree = projections.get(paths);
      if (tree === undefined) {
        tree = planProjection(plan, paths, "projection");
        projections.set(paths, tree);
      }
      return projectPayload(plan, tree, payload, contentType);
    },

    checkPaths(paths, path = "projection") {
      planProjection(plan, paths, path);
    },
  };
}

function dataPath(path: Parameters<typeof pathText>[0]): string {
  return `${pathText(path)}.data`;
}
