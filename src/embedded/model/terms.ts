/** Values as Erlang prints them, which RabbitMQ's error texts do. */
import { type Field, readArray, readTable } from "../protocol/fields.ts";

/** A list of characters. */
export function formatString(text: string): string {
  return JSON.stringify(text);
}

/** A binary: as text where it is printable. */
export function formatBinary(bytes: Buffer): string {
  const text = bytes.toString();
  if (bytes.length === 0) return "<<>>";
  const isText = Buffer.from(text).equals(bytes);
  if (!isText || !bytes.every(isPrintable)) return `<<${[...bytes].join(",")}>>`;
  const isLatin = [...text].every((char) => (char.codePointAt(0) ?? 0) < 256);
  return isLatin && text.length === bytes.length
    ? `<<${formatString(text)}>>`
    : `<<${formatString(text)}/utf8>>`;
}

/** The value of a field, without its type. */
export function formatField(field: Field): string {
  switch (field.type) {
    case "longstr":
    case "binary":
      return formatBinary(field.value);
    case "float":
    case "double":
      return Number.isInteger(field.value) ? field.value.toFixed(1) : String(field.value);
    case "decimal":
      return `{${field.value.scale},${field.value.digits}}`;
    case "void":
      return "undefined";
    case "table":
      return `[${readTable(field.value).map(([name, one]) => `{${formatBinary(Buffer.from(name))},${one.type},${formatField(one)}}`)}]`;
    case "array":
      return `[${readArray(field.value).map((one) => `{${one.type},${formatField(one)}}`)}]`;
    default:
      return String(field.value);
  }
}

/** Of text in UTF-8; some control characters have a way to be written. */
function isPrintable(byte: number): boolean {
  return byte >= 32 ? byte !== 127 : (byte >= 8 && byte <= 13) || byte === 27;
}
