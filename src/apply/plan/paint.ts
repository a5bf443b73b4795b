import { styleText } from "node:util";

export type Color = "green" | "red" | "yellow" | "cyan" | "dim" | "bold" | "none";
export type Paint = (color: Color, text: string) => string;

/** @param isColored whoever reads it understands escape sequences. */
export function painter(isColored: boolean): Paint {
  return (color, text) =>
    isColored && color !== "none" ? styleText(color, text, { validateStream: false }) : text;
}
