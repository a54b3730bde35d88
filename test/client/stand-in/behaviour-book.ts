// What holds for a call: what was said for the next call of the RPC, else for its user, else for everybody, else what is usual
// for the kind.

import { USUAL } from "./behaviour.js";
import type { Behaviours, Kind, PingPolicy, RpcName } from "./behaviour.js";
import type { SetParams } from "./control.js";

const ONCE_MAX = 1000;

export class BehaviourBook {
  readonly kind: Kind;
  readonly #forAll: Partial<Behaviours> = {};
  readonly #forUser = new Map<string, Partial<Behaviours>>();
  readonly #once: SetParams[] = [];

  constructor(kind: Kind) {
    this.kind = kind;
  }

  get pings(): PingPolicy | "welcome" {
    return this.#forAll.pings ?? USUAL[this.kind].pings;
  }

  set({ behaviour, userId }: SetParams): void {
    if (userId === undefined) Object.assign(this.#forAll, behaviour);
    else this.#forUser.set(userId, { ...this.#forUser.get(userId), ...behaviour });
  }

  /** Each entry serves one call of one RPC; several queue up. */
  once({ behaviour, userId }: SetParams): void {
    if (this.#once.length >= ONCE_MAX) throw new Error(`more than ${ONCE_MAX} calls planned`);
    for (const [rpc, value] of Object.entries(behaviour)) {
      this.#once.push({ behaviour: { [rpc]: value }, ...(userId === undefined ? {} : { userId }) });
    }
  }

  /** For a call that comes in: uses up what was said for one call only. */
  take<Rpc extends RpcName>(rpc: Rpc, userId: string): Behaviours[Rpc] {
    return { ...this.of(rpc, userId), ...this.takeOnce(rpc, userId) };
  }

  takeOnce<Rpc extends RpcName>(rpc: Rpc, userId: string): Behaviours[Rpc] | undefined {
    const isMeant = (entry: SetParams) =>
      rpc in entry.behaviour && (entry.userId === undefined || entry.userId === userId);
    const index = this.#once.findIndex(isMeant);
    if (index < 0) return undefined;
    const [entry] = this.#once.splice(index, 1);
    return entry?.behaviour[rpc];
  }

  /** What holds now, also for calls that are open. */
  of<Rpc extends RpcName>(rpc: Rpc, userId: string): Behaviours[Rpc] {
    return { ...USUAL[this.kind][rpc], ...(this.#forUser.get(userId)?.[rpc] ?? this.#forAll[rpc]) };
  }
}
