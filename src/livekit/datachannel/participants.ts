// Who else is in the room, as the server tells it.

import { ParticipantInfo_State, type ParticipantInfo } from "@livekit/protocol";

export interface ParticipantsListener {
  joined(identity: string): void;
  left(identity: string, sid: string): void;
}

export class Participants {
  /** Sid by identity. */
  readonly #present = new Map<string, string>();
  readonly #listener: ParticipantsListener;

  constructor(listener: ParticipantsListener) {
    this.#listener = listener;
  }

  get identities(): readonly string[] {
    return [...this.#present.keys()];
  }

  get size(): number {
    return this.#present.size;
  }

  /** All who are there. Those present before and missing now have left. */
  replace(all: readonly ParticipantInfo[]): void {
    const now = new Set(all.map(({ identity }) => identity));
    for (const [identity, sid] of this.#present) if (!now.has(identity)) this.#remove(identity, sid);
    this.update(all);
  }

  update(changed: readonly ParticipantInfo[]): void {
    for (const { identity, sid, state } of changed) {
      if (identity === "") continue;
      const known = this.#present.get(identity);
      if (state === ParticipantInfo_State.DISCONNECTED) {
        // Word of a session that a newer one of the same identity has replaced says nothing of the newer one.
        if (known === sid) this.#remove(identity, sid);
      } else if (known !== sid) {
        this.#present.set(identity, sid);
        if (known === undefined) this.#listener.joined(identity);
      }
    }
  }

  #remove(identity: string, sid: string): void {
    this.#present.delete(identity);
    this.#listener.left(identity, sid);
  }
}
