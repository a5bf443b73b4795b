/** Names of types that are unique in a file, whatever characters the events' names have. */

/**
 * The words of a name as one identifier: `book.price_changed` → `BookPriceChanged`.
 *
 * Only A-Z, a-z and 0-9 stay, so an underscore is free to set nested types apart.
 */
export function pascalCase(name: string): string {
  const words = name.match(/[A-Za-z]+|[0-9]+/g) ?? [];
  const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
  return /^[A-Z]/.test(joined) ? joined : `Event${joined}`;
}

/** Takes names in turn; the second that wants a name gets it with a number. */
export function nameTaker(): (wanted: string) => string {
  const taken = new Set<string>();
  return (wanted) => {
    let name = wanted;
    for (let number = 2; taken.has(name); number += 1) name = `${wanted}${number}`;
    taken.add(name);
    return name;
  };
}
