import { defineHandler, Reject } from "warren";

// `content` declares no events, so an article is any JSON: `unknown` until it has been looked at.
export default defineHandler<"search_index">((article, { log }) => {
  if (typeof article !== "object" || article === null || Array.isArray(article)) {
    throw new Reject("an article is a JSON object");
  }
  log.info({ fields: Object.keys(article) }, "article indexed");
});
