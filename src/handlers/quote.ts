import { defineHandler, Reject } from "warren";

const PRICE = 39.99;

/** Answers with a price: POST /rpc, or `call` in another handler. */
export default defineHandler<"price_quote">((request) => {
  const { book_id, quantity = 1 } = Object(request) as { book_id?: unknown; quantity?: unknown };
  if (typeof book_id !== "string") throw new Reject("a quote needs a book_id");
  if (!Number.isSafeInteger(quantity) || Number(quantity) < 1) throw new Reject("how many?");
  return { book_id, quantity: Number(quantity), total: PRICE * Number(quantity) };
});
