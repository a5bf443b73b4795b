/** Who may do what. `guest` may do everything; others come by the management interface. */
export type Permission = "configure" | "write" | "read";
export type Permissions = Readonly<Record<Permission, string>>;

type User = {
  readonly password: string;
  /** What the management interface lets it do: `administrator`, `management`. */
  readonly tags: readonly string[];
  readonly permissions: Map<string, Permissions>;
};

export class Users {
  readonly #users = new Map<string, User>([
    ["guest", { password: "guest", tags: ["administrator"], permissions: new Map() }],
  ]);

  get names(): readonly string[] {
    return [...this.#users.keys()];
  }

  set(name: string, password: string, tags: readonly string[]): void {
    const permissions = this.#users.get(name)?.permissions ?? new Map();
    this.#users.set(name, { password, tags, permissions });
  }

  tagsOf(name: string): readonly string[] {
    return this.#users.get(name)?.tags ?? [];
  }

  remove(name: string): void {
    this.#users.delete(name);
  }

  permit(name: string, vhost: string, permissions: Permissions): void {
    this.#users.get(name)?.permissions.set(vhost, permissions);
  }

  isKnown(name: string, password: string): boolean {
    return this.#users.get(name)?.password === password;
  }

  mayEnter(name: string, vhost: string): boolean {
    return name === "guest" || this.#users.get(name)?.permissions.has(vhost) === true;
  }

  may(name: string, permission: Permission, vhost: string, object: string): boolean {
    if (name === "guest") return true;
    const pattern = this.#users.get(name)?.permissions.get(vhost)?.[permission];
    // An empty pattern is none, as in RabbitMQ.
    return pattern !== undefined && pattern !== "" && new RegExp(pattern).test(object);
  }
}
