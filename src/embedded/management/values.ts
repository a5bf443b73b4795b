/** Arguments as RabbitMQ's listings show them: what type a value had is lost. */
import { type Field, readArray, readTable, type Table } from "../protocol/fields.ts";
import { NumberText } from "./json.ts";

/** What is nested deeper is left out: no listing is to fail for one strange argument. */
const MAX_DEPTH = 100;

export function tableValue(table: Table, depth = 0): Readonly<Record<string, unknown>> {
  return Object.fromEntries(table.map(([name, field]) => [name, fieldValue(field, depth + 1)]));
}

function fieldValue(field: Field, depth: number): unknown {
  if (depth > MAX_DEPTH) return null;
  switch (field.type) {
    case "table":
      return tableValue(readTable(field.value), depth);
    case "array":
      return readArray(field.value).map((one) => fieldValue(one, depth + 1));
    case "longstr":
    case "binary":
      return textOrBase64(field.value);
    case "float":
    case "double":
      return floatValue(field.value);
    case "decimal":
      // Not the number that it is, but the one that RabbitMQ shows.
      return new NumberText(`${field.value.scale}.${field.value.digits}`);
    case "void":
      return "undefined";
    case "bool":
      return field.value;
    default:
      return new NumberText(String(field.value));
  }
}

function textOrBase64(bytes: Buffer): string {
  const text = bytes.toString();
  if (Buffer.from(text).equals(bytes)) return text;
  return `Not UTF-8, base64 is: ${bytes.toString("base64")}`;
}

/** Never without a fraction: `10.0`, `1.0e22`. */
function floatValue(value: number): NumberText {
  if (!Number.isFinite(value)) return new NumberText("null");
  const text = String(value);
  if (!Number.isInteger(value)) return new NumberText(text);
  const [digits = "", exponent] = text.split("e");
  const whole = digits.includes(".") ? digits : `${digits}.0`;
  return new NumberText(exponent === undefined ? whole : `${whole}e${exponent.replace("+", "")}`);
}
