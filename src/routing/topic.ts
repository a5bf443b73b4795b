/**
 * Whether a topic binding takes a routing key, exactly as RabbitMQ decides it: words are separated
 * by dots and may be empty, `*` stands for one word and `#` for any number of them, none included.
 * The empty key has no words at all, so `*` does not take it and `#` does.
 *
 * @see https://www.rabbitmq.com/tutorials/tutorial-five-javascript#topic-exchange
 */
export function matchesTopic(pattern: string, key: string): boolean {
  if (pattern === key || pattern === "#") return true;
  return matchesWords(wordsOf(pattern), wordsOf(key));
}

function wordsOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(".");
}

/** Greedy, with one place to go back to: the last `#`. So the work is at most pattern × key. */
function matchesWords(pattern: readonly string[], key: readonly string[]): boolean {
  let at = 0;
  let word = 0;
  let hash = -1;
  let resume = 0;
  while (word < key.length) {
    const expected = pattern[at];
    if (expected === "#") {
      hash = at++;
      resume = word;
    } else if (expected === "*" || (expected !== undefined && expected === key[word])) {
      at++;
      word++;
    } else if (hash >= 0) {
      at = hash + 1;
      word = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[at] === "#") at++;
  return at === pattern.length;
}
