/** As much of rascal as its sessions here use; it brings no types. */
declare module "rascal" {
  import type { EventEmitter } from "node:events";

  export type AckOrNack = (error?: Error, recovery?: object | readonly object[]) => void;

  export class BrokerAsPromised extends EventEmitter {
    static create(config: object): Promise<BrokerAsPromised>;
    publish(publication: string, message: unknown, overrides?: object): Promise<EventEmitter>;
    subscribe(subscription: string): Promise<EventEmitter>;
    shutdown(): Promise<void>;
  }

  const rascal: {
    readonly BrokerAsPromised: typeof BrokerAsPromised;
    withDefaultConfig(config: object): object;
  };
  export default rascal;
}
