import { randomBytes } from "node:crypto";
import { openManagement } from "./management.ts";
import type { Vhost } from "./vhost.ts";

/** A user of the broker that belongs to one test, and what an operator does to it. */
export type User = {
  /** AMQP url of the test's vhost, as this user. */
  readonly url: string;
  /** Closes all its connections: 320, a `close` without an `error`. */
  closeConnections(): Promise<void>;
  setPassword(password: string): Promise<void>;
  /** What it may do in the vhost: regular expressions; what is left out, everything. */
  allow(permissions: Partial<Permissions>): Promise<void>;
  /** How many channels or connections it may have; null: no limit. */
  setLimit(name: "max-channels" | "max-connections", limit: number | null): Promise<void>;
  remove(): Promise<void>;
};

export type Permissions = Readonly<Record<"configure" | "write" | "read", string>>;

const EVERYTHING: Permissions = { configure: ".*", write: ".*", read: ".*" };

export const FIRST_PASSWORD = "first-secret";

/** Makes a user with full permissions in the vhost. */
export async function createUser({ vhost, url, managementUrl }: Vhost): Promise<User> {
  const management = openManagement(managementUrl);
  const name = `user-${process.pid}-${randomBytes(4).toString("hex")}`;
  const setPassword = (password: string) => management.put(`users/${name}`, { password, tags: "" });
  const allow = (permissions: Partial<Permissions>) =>
    management.put(`permissions/${vhost}/${name}`, { ...EVERYTHING, ...permissions });
  await setPassword(FIRST_PASSWORD);
  await allow({});
  return {
    url: Object.assign(new URL(url), { username: name, password: FIRST_PASSWORD }).href,
    closeConnections: () => management.remove(`connections/username/${name}`),
    setPassword,
    allow,
    setLimit: (limit, value) =>
      value === null
        ? management.remove(`user-limits/${name}/${limit}`)
        : management.put(`user-limits/${name}/${limit}`, { value }),
    remove: () => management.remove(`users/${name}`),
  };
}
