/** What the management interface answers, and whom. */

export type Answer = { readonly status: number; readonly body: unknown };

/** Somebody who has logged in. */
export type Caller = { readonly name: string; readonly tags: readonly string[] };

export const NOT_FOUND = refused(404, "Object Not Found", "Not Found");

export function refused(status: number, error: string, reason: string): Answer {
  return { status, body: { error, reason } };
}

export function isAdministrator({ tags }: Caller): boolean {
  return tags.includes("administrator");
}
