import express, { type Request, type RequestHandler } from "express";
import { mediaType } from "../events/encoding.ts";
import { NUMBERS } from "../numbers.ts";
import { Refusal } from "./problem.ts";

/** What stands around a message in `POST /publish`: names, options and headers. */
const WRAPPER_BYTES = 64 * 1024;

/** Reads the bytes of a body of one of these media types: uncompressed, in UTF-8, within the limit. */
export function readBody(accepted: readonly string[]): readonly RequestHandler[] {
  const limit = NUMBERS.maxBodyBytes + WRAPPER_BYTES;
  return [checkHead(accepted), express.raw({ type: () => true, inflate: false, limit })];
}

/** What `readBody` has read. */
export function bodyOf({ body }: Request): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

function checkHead(accepted: readonly string[]): RequestHandler {
  return ({ headers }, _response, next) => {
    const { "content-type": type, "content-length": length, "content-encoding": coding } = headers;
    const isEmpty = headers["transfer-encoding"] === undefined && Number(length ?? 0) === 0;
    if (isEmpty) throw new Refusal("malformed", "the body is empty");
    if (type === undefined || !accepted.includes(mediaType(type)) || !isInUtf8(type)) {
      const text = `the body has to be ${accepted.join(" or ")} in UTF-8`;
      throw new Refusal("unsupported-media-type", text);
    }
    if (coding !== undefined && coding.toLowerCase() !== "identity") {
      throw new Refusal("unsupported-media-type", "the body has to be uncompressed");
    }
    next();
  };
}

function isInUtf8(contentType: string): boolean {
  const charsets = [...contentType.matchAll(/;\s*charset\s*=\s*"?([^\s;"]*)/gi)];
  return charsets.every(([, charset = ""]) => /^utf-?8$/i.test(charset));
}
