import { defineHandler, Reject } from "warren";

export default defineHandler<"social_queue">((article, { log }) => {
  const title = titleOf(article);
  if (title === null) throw new Reject("an article without a title cannot be posted");
  log.info({ title }, "article posted");
});

function titleOf(article: unknown): string | null {
  if (typeof article !== "object" || article === null || !("title" in article)) return null;
  return typeof article.title === "string" ? article.title : null;
}
