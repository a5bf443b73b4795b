import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";

/** RabbitMQ's management HTTP API with the credentials of its url. */
export type Management = {
  /** @returns the JSON below `/api`, or undefined for 404. @throws {Error} for every other refusal. */
  get<T = unknown>(path: string): Promise<T | undefined>;
  put(path: string, body?: object): Promise<void>;
  /** 404 is success: it is gone. */
  remove(path: string): Promise<void>;
};

/** @param url such as `http://guest:guest@127.0.0.1:15672`. */
export function openManagement(url: string): Management {
  const { origin, username, password } = new URL(url);
  const auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const call = async (method: string, path: string, body?: object) => {
    const target = `${origin}/api/${path}`;
    // Without an agent no idle socket stays, which would look like a leak of the test.
    const headers = { "content-type": "application/json" };
    const call = request(target, { method, auth, headers, agent: false });
    call.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = await once(call, "response");
    const content = await text(answer);
    const status: number = answer.statusCode;
    if (status < 300 || (status === 404 && method !== "PUT")) return { status, content };
    throw new Error(`${method} ${target} answered ${status}: ${content}`);
  };
  return {
    async get<T>(path: string) {
      const { status, content } = await call("GET", path);
      return status === 404 ? undefined : (JSON.parse(content) as T);
    },
    async put(path, body = {}) {
      await call("PUT", path, body);
    },
    async remove(path) {
      await call("DELETE", path);
    },
  };
}
