import { type Alias, visit, type YAMLError, type Document as Yaml } from "yaml";
import type { Place, Problem } from "../errors.ts";
import { NUMBERS } from "../numbers.ts";

/** A comment that begins where a value should, and swallows the bracket that closes a list or map. */
const swallowed = /[[{,:][ \t]*(#.*[\]}])/g;

/** Without one of these there is no alias, and no need to walk through the whole document for them. */
const mayBeAlias = /(?:^|[\s[{,:])\*/;

/**
 * What keeps YAML from being read, in warren's words. Warnings are errors: an unknown tag, say,
 * would otherwise change a value silently.
 */
export function syntaxProblems(
  yaml: Yaml.Parsed,
  text: string,
  place: (offset: number) => Place,
): readonly Problem[] {
  const problems: Problem[] = mayBeAlias.test(text) ? aliasProblems(yaml, place) : [];
  for (const error of [...yaml.errors, ...yaml.warnings]) {
    const trap = hashTrap(error, text);
    if (error.code === "BAD_ALIAS") continue;
    if (trap !== null) {
      problems.push({
        code: "yaml-trap",
        message: hashMessage(trap.comment),
        at: place(trap.offset),
      });
    } else {
      problems.push({ code: "yaml-syntax", message: error.message, at: place(error.pos[0]) });
    }
  }
  const { explicit, version } = yaml.directives.yaml;
  if (explicit && version !== "1.2") {
    const message = `YAML ${version} reads values differently; only 1.2 is read`;
    problems.push({ code: "yaml-syntax", message, at: place(0) });
  }
  return unique(problems);
}

/** The message for a value that YAML took for a comment. */
export function hashMessage(comment: string): string {
  const [word = "#"] = /^#[^\s,\]}]*/.exec(comment) ?? [];
  return `${JSON.stringify(comment)} is a comment to YAML, so a value is missing; quote it: "${word}"`;
}

function aliasProblems(yaml: Yaml.Parsed, place: (offset: number) => Place): Problem[] {
  const aliases: Alias[] = [];
  visit(yaml, {
    Alias: (_key, alias) => {
      aliases.push(alias);
    },
  });
  const [tooMany] = aliases.slice(NUMBERS.maxAliases);
  if (tooMany !== undefined) {
    const message = `${aliases.length} aliases, at most ${NUMBERS.maxAliases} are followed`;
    return [{ code: "too-many-aliases", message, at: place(tooMany.range?.[0] ?? 0) }];
  }
  return aliases
    .filter((alias) => alias.resolve(yaml) === undefined)
    .map(({ source, range }) => {
      const message = `*${source} is an alias to YAML, and no anchor has that name; quote it: "*${source}"`;
      return { code: "yaml-trap", message, at: place(range?.[0] ?? 0) };
    });
}

/** `[#.x]` and `{ a: # }` fail far from their cause: the comment before the failure is it. */
function hashTrap(
  error: YAMLError,
  text: string,
): { readonly comment: string; readonly offset: number } | null {
  const isUnclosed = error.code === "BAD_INDENT" && error.message.startsWith("Flow");
  const isComment = error.message.startsWith("Comments must be separated");
  if (!isUnclosed && !isComment) return null;
  const before = isComment ? text.slice(0, error.pos[1]) : text.slice(0, error.pos[0]);
  const match = [...before.matchAll(swallowed)].at(-1);
  const comment = match?.[1];
  if (match === undefined || comment === undefined) return null;
  return { comment, offset: match.index + match[0].length - comment.length };
}

function unique(problems: readonly Problem[]): readonly Problem[] {
  const byPlace = new Map(problems.map((it) => [`${it.at.line}:${it.at.column}`, it]));
  return [...byPlace.values()];
}
