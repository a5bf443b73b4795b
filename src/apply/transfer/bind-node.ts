import type { Node } from "yaml";
import { routingType } from "../../routing/binding.ts";
import type { LiveBinding, LiveExchange } from "../live.ts";
import { argumentsNode, type Entry, listOf, mapOf, scalar } from "./yaml-nodes.ts";

/** A binding as the file is to say it. */
export type SaidBinding = {
  readonly binding: LiveBinding;
  readonly source: LiveExchange;
  readonly isRaw: boolean;
};

/** What stands under `bind:`, and at which path in it each binding is. */
export type Bind = {
  readonly node: Node;
  readonly paths: readonly { readonly binding: LiveBinding; readonly path: readonly string[] }[];
};

/** The `bind:` of a queue or exchange; null where it has no binding. */
export function bindNode(bindings: readonly SaidBinding[]): Bind | null {
  const bySource = new Map<string, Form[]>();
  for (const said of bindings) {
    const { source } = said.binding;
    const forms = bySource.get(source);
    const form = formOf(said);
    if (forms === undefined) bySource.set(source, [form]);
    else forms.push(form);
  }
  if (bySource.size === 0) return null;
  const plain = [...bySource.values()].flat().filter(({ node }) => node === null);
  const keyed = [...bySource].flatMap(([source, forms]) => {
    const own = forms.filter(({ node }) => node !== null);
    return own.length === 0 ? [] : [{ source, forms: own }];
  });
  if (keyed.length === 0) return namesOnly(plain);
  if (plain.length === 0) return keyedOnly(keyed, []);
  const map = keyedOnly(keyed, [String(plain.length)]);
  return {
    node: listOf([...plain.map(({ binding }) => scalar(binding.source)), map.node]),
    paths: [
      ...plain.map(({ binding }, index) => ({ binding, path: [String(index)] })),
      ...map.paths,
    ],
  };
}

/** `node` null: the exchange's name says all. */
type Form = { readonly binding: LiveBinding; readonly node: Node | null };
type Keyed = { readonly source: string; readonly forms: readonly Form[] };

function namesOnly(forms: readonly Form[]): Bind {
  const [first, ...others] = forms;
  if (first !== undefined && others.length === 0) {
    return { node: scalar(first.binding.source), paths: [{ binding: first.binding, path: [] }] };
  }
  return {
    node: listOf(forms.map(({ binding }) => scalar(binding.source))),
    paths: forms.map(({ binding }, index) => ({ binding, path: [String(index)] })),
  };
}

function keyedOnly(keyed: readonly Keyed[], above: readonly string[]): Bind {
  const entries = keyed.map(({ source, forms }): Entry => {
    const nodes = forms.flatMap(({ node }) => node ?? []);
    const [only] = nodes;
    return [source, only !== undefined && nodes.length === 1 ? only : listOf(nodes)];
  });
  const paths = keyed.flatMap(({ source, forms }) =>
    forms.map(({ binding }, index) => ({
      binding,
      path: [...above, source, ...(forms.length === 1 ? [] : [String(index)])],
    })),
  );
  return { node: mapOf(entries), paths };
}

function formOf({ binding, source, isRaw }: SaidBinding): Form {
  const { key, arguments: args } = binding;
  const type = routingType(source);
  const hasArguments = Object.keys(args).length > 0;
  const headers = type === "headers" && key === "" ? headersNode(binding) : null;
  if (!isRaw && headers !== null) return { binding, node: headers };
  if (!isRaw && !hasArguments && type !== "headers") {
    const needsKey = type === "direct" || type === "topic" || key !== "";
    if (!needsKey) return { binding, node: null };
    if (type !== "fanout") return { binding, node: scalar(key) };
  }
  const raw = mapOf([
    ["key", key === "" && hasArguments ? null : scalar(key)],
    ["arguments", argumentsNode(args)],
  ]);
  return { binding, node: raw };
}

const MATCHES: readonly unknown[] = ["all", "any", "all-with-x", "any-with-x"];

/** `{ headers, match }` if it says all of the arguments; that adds `x-match`, so it has to be there. */
function headersNode({ arguments: { "x-match": match, ...headers } }: LiveBinding): Node | null {
  const entries = Object.entries(headers);
  if (!MATCHES.includes(match) || typeof match !== "string" || entries.length === 0) return null;
  const withX = match.endsWith("-with-x");
  const nodes = entries.map(([name, value]): Entry => {
    const isSayable = typeof value !== "object" && (withX || !name.startsWith("x-"));
    return [name, isSayable ? scalar(value) : null];
  });
  if (nodes.some(([, node]) => node === null)) return null;
  return mapOf([
    ["headers", mapOf(nodes)],
    ["match", match === "all" ? null : scalar(match)],
  ]);
}
