/** Keywords of JSON Schema that have to do with bounded work what ajv's own may not. */
import { _, type Ajv } from "ajv";
import { indexOfRepeated, ValueSet } from "./likeness.ts";

/** ajv's own `uniqueItems` compares each item with each other: minutes for a body of 1 MiB. */
export function boundUniqueItems(ajv: Ajv): void {
  ajv.removeKeyword("uniqueItems");
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    validate: (isWanted: boolean, items: readonly unknown[]) =>
      !isWanted || indexOfRepeated(items) === -1,
    error: { message: "must not have the same item twice" },
  });
}

/** ajv's own `enum` compares with each of its values in turn, also where there are thousands. */
export function boundEnum(ajv: Ajv): void {
  ajv.removeKeyword("enum");
  ajv.addKeyword({
    keyword: "enum",
    schemaType: "array",
    compile: (values: readonly unknown[]) => {
      const allowed = new ValueSet();
      for (const value of values) allowed.add(value);
      return (value: unknown) => allowed.has(value);
    },
    error: {
      message: "must be equal to one of the allowed values",
      params: ({ schemaCode }) => _`{allowedValues: ${schemaCode}}`,
    },
  });
}
