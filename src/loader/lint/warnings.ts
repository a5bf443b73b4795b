import type { ErrorCode, Place } from "../../errors.ts";
import type { TopologyFile } from "../file.ts";
import { join } from "../pointer.ts";
import type { Report } from "../report.ts";

/** A block of the file: it can allow what is warned of in it. */
export type Owner = {
  readonly kind: "exchanges" | "queues" | "policies";
  readonly name: string;
};

/** What the rules find, without what the blocks allow. */
export class Warnings {
  readonly #file: TopologyFile;
  readonly #report: Report;
  /** Pointers of what has silenced something. */
  readonly #used = new Set<string>();

  constructor(file: TopologyFile, report: Report) {
    this.#file = file;
    this.#report = report;
  }

  add(code: ErrorCode, owner: Owner, at: Place, message: string): void {
    if (!this.isAllowed(code, owner)) this.#report.warn(code, at, message);
  }

  /** Whether a block allows what has been found in it. */
  isAllowed(code: ErrorCode, owner: Owner): boolean {
    const silencer = this.#silencers(owner).find((one) => one.code === code);
    if (silencer !== undefined) this.#used.add(`${silencer.pointer} ${code}`);
    return silencer !== undefined;
  }

  /** Finds what allows something that does not happen: it would hide it when it does. */
  checkAllows(): void {
    for (const kind of ["exchanges", "queues", "policies"] as const) {
      for (const name of Object.keys(this.#file[kind] ?? {})) {
        for (const { code, pointer } of this.#silencers({ kind, name })) {
          if (this.#used.has(`${pointer} ${code}`)) continue;
          const message = `there is nothing here to allow: no ${code} is found`;
          this.#report.value("needless-allow", pointer, message);
        }
      }
    }
  }

  #silencers({
    kind,
    name,
  }: Owner): readonly { readonly code: string; readonly pointer: string }[] {
    const block = this.#file[kind]?.[name];
    const pointer = join("", kind, name);
    const codes = (block?.allow ?? []).flatMap((code, index) =>
      code === undefined ? [] : [{ code, pointer: join(pointer, "allow", index) }],
    );
    const isLossAllowed = block !== undefined && "allowLoss" in block && block.allowLoss === true;
    if (!isLossAllowed) return codes;
    return [...codes, { code: "message-loss", pointer: join(pointer, "allowLoss") }];
  }
}
