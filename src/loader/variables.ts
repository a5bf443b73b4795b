import type { Document } from "./document.ts";
import { join } from "./pointer.ts";
import type { Report } from "./report.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const reference = /\$\{([^}]*)\}/g;
const variable = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** The sections that a variable may stand in: none of them says what is declared. */
const VARYING: ReadonlySet<string> = new Set(["broker", "http", "stores"]);

/**
 * Replaces `${VAR}` and `${VAR:-default}` in broker, http and stores, and reports them elsewhere: what is
 * declared must be the same for everyone. What a variable holds is text, never YAML.
 */
export function substitute(document: Document, env: Environment, report: Report): unknown {
  const root = document.value;
  if (!isMap(root)) return root;
  for (const [key, value] of Object.entries(root)) {
    const pointer = join("", key);
    const isAllowed = VARYING.has(key);
    root[key] = isAllowed ? replaced(value, pointer, env, report) : value;
    if (!isAllowed) refuse(value, pointer, report);
  }
  return root;
}

function replaced(value: unknown, pointer: string, env: Environment, report: Report): unknown {
  if (typeof value === "string" && value.includes("${")) {
    const text = fill(value, pointer, env, report);
    // YAML cannot know that the text becomes a number, so this one place reads it as one.
    return pointer === "/http/port" && /^(0|[1-9]\d*)$/.test(text) ? Number(text) : text;
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => replaced(item, join(pointer, index), env, report));
  }
  if (isMap(value)) {
    for (const [key, item] of Object.entries(value)) {
      value[key] = replaced(item, join(pointer, key), env, report);
    }
  }
  return value;
}

function fill(text: string, pointer: string, env: Environment, report: Report): string {
  if (text.replaceAll(reference, "").includes("${")) {
    report.value("bad-value", pointer, "${ must be closed: ${NAME} or ${NAME:-default}");
  }
  return text.replaceAll(reference, (_whole, inner: string) => {
    const [, name = "", fallback] = variable.exec(inner) ?? [];
    if (name === "" || inner.includes("${")) {
      report.value("bad-value", pointer, `\${${inner}} must be \${NAME} or \${NAME:-default}`);
      return "";
    }
    const found = Object.hasOwn(env, name) ? env[name] : undefined;
    if (found !== undefined && (found !== "" || fallback === undefined)) return found;
    if (fallback === undefined) {
      report.value("unset-variable", pointer, `the variable ${name} is not set`);
    }
    return fallback ?? "";
  });
}

function refuse(value: unknown, pointer: string, report: Report): void {
  if (typeof value === "string" && value.includes("${")) {
    report.value("variable-not-allowed", pointer, `no variable may stand here: ${value}`);
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => {
      refuse(item, join(pointer, index), report);
    });
  } else if (isMap(value)) {
    for (const [key, item] of Object.entries(value)) {
      const at = join(pointer, key);
      if (key.includes("${")) {
        report.key("variable-not-allowed", at, `no variable may stand here: ${key}`);
      }
      refuse(item, at, report);
    }
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
