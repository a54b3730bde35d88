// One plain shape for a wire definition, so that the proto file, our page and the contract can be compared as data.

import protobuf from "protobufjs";
import { bare, readTables } from "./markdown-tables.js";

export interface FieldShape {
  readonly number: number;
  readonly type: string;
  readonly presence: "implicit" | "optional" | "map";
}

export interface WireShape {
  /** By name: `stream A -> B`. */
  readonly calls: Readonly<Record<string, string>>;
  /** By message, then by field. */
  readonly messages: Readonly<Record<string, Readonly<Record<string, FieldShape>>>>;
  /** By `Message.Enum`, then by value. */
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export function shapeOfService(namespace: protobuf.Namespace, serviceName: string): WireShape {
  const calls: Record<string, string> = {};
  const messages: Record<string, Record<string, FieldShape>> = {};
  const enums: Record<string, Record<string, number>> = {};
  for (const method of namespace.lookupService(serviceName).methodsArray) {
    const request = `${method.requestStream === true ? "stream " : ""}${method.requestType}`;
    const response = `${method.responseStream === true ? "stream " : ""}${method.responseType}`;
    calls[method.name] = `${request} -> ${response}`;
  }
  for (const message of namespace.nestedArray) {
    if (!(message instanceof protobuf.Type)) continue;
    messages[message.name] = Object.fromEntries(message.fieldsArray.map((field) => [field.name, shapeOfField(field)]));
    for (const nested of message.nestedArray) {
      if (nested instanceof protobuf.Enum) enums[`${message.name}.${nested.name}`] = { ...nested.values };
    }
  }
  return { calls, messages, enums };
}

function shapeOfField(field: protobuf.Field): FieldShape {
  if (field instanceof protobuf.MapField) {
    return { number: field.id, type: `map<${field.keyType},${field.type}>`, presence: "map" };
  }
  // Reflection knows `optional` as a oneof of its own that holds this field alone.
  const isAlone = field.partOf?.oneof.length === 1;
  return { number: field.id, type: field.type, presence: isAlone ? "optional" : "implicit" };
}

/** The tables of docs/wire.md. */
export function shapeOfWirePage(markdown: string): WireShape {
  const calls: Record<string, string> = {};
  const messages: Record<string, Record<string, FieldShape>> = {};
  const enums: Record<string, Record<string, number>> = {};
  for (const { headings, columns, rows } of readTables(markdown)) {
    const section = headings.at(-1) ?? "";
    if (headings.at(-1) === "Calls") {
      for (const [name = "", request = "", response = ""] of rows) {
        calls[bare(name)] = `${bare(request)} -> ${bare(response)}`;
      }
    } else if (columns[0] === "field") {
      messages[section] = Object.fromEntries(
        rows.map(([name = "", number = "", type = "", presence = ""]) => [
          bare(name),
          { number: Number(number), type, presence: presence as FieldShape["presence"] },
        ]),
      );
    } else if (columns[0] === "value") {
      enums[section] = Object.fromEntries(rows.map(([name = "", number = ""]) => [bare(name), Number(number)]));
    }
  }
  return { calls, messages, enums };
}

/** Section 1 of the contract: a table of calls, and one row per message with its fields in a single cell. */
export function shapeOfContract(markdown: string): WireShape {
  const calls: Record<string, string> = {};
  const messages: Record<string, Record<string, FieldShape>> = {};
  const enums: Record<string, Record<string, number>> = {};
  for (const { headings, columns, rows } of readTables(markdown)) {
    if (!(headings.at(-1) ?? "").startsWith("1.")) continue;
    for (const [name = "", second = "", third = ""] of rows) {
      if (columns[0] === "RPC") {
        calls[bare(name)] = `${bare(second)} -> ${bare(third)}`;
        continue;
      }
      const fields: Record<string, FieldShape> = {};
      for (const text of bare(second).replaceAll("**", "").split(" · ")) {
        const [field, shape, enumShape] = readContractField(text);
        fields[field] = shape;
        if (enumShape !== undefined) enums[`${bare(name)}.${shape.type}`] = enumShape;
      }
      messages[bare(name)] = fields;
    }
  }
  return { calls, messages, enums };
}

const CONTRACT_FIELD = /^(\w+)=(\d+) (optional )?(?:enum )?([\w<>,]+)(?:\{([^}]*)\})?(?: \(nested\))?$/;

function readContractField(text: string): [string, FieldShape, Record<string, number> | undefined] {
  const match = CONTRACT_FIELD.exec(text);
  if (match === null) throw new Error(`cannot read the contract's field "${text}"`);
  const [, name = "", number = "", optional, type = "", values] = match;
  const presence = type.startsWith("map<") ? "map" : optional === undefined ? "implicit" : "optional";
  const enumShape =
    values === undefined
      ? undefined
      : Object.fromEntries(
          values.split(",").map((value): [string, number] => {
            const [key = "", id = ""] = value.trim().split("=");
            return [key, Number(id)];
          }),
        );
  return [name, { number: Number(number), type, presence }, enumShape];
}
