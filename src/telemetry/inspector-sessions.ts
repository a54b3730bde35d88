// Which sessions there are, as the inspector lists them. When each began is noted as it appears; nothing else is kept.

import type { ActorRefFrom } from "xstate";
import type { supervisorMachine } from "../machines/supervisor.js";
import { showText } from "./inspector-sanitiser.js";

export type SupervisorRef = ActorRefFrom<typeof supervisorMachine>;
export type SessionRef = NonNullable<ReturnType<SupervisorRef["getSnapshot"]>["children"][string]>;

export interface ListedSession {
  readonly userId: string;
  readonly roomName: string;
  readonly generation: number;
  /** False while a session that is nobody's current one any more leaves its room. */
  readonly isCurrent: boolean;
  /** Each innermost state, as a path. */
  readonly states: readonly string[];
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
}

export class InspectorSessions {
  readonly #supervisor: SupervisorRef;
  readonly #subscription: { unsubscribe(): void };
  #sinceMs = new Map<number, number>();
  #lastGeneration = 0;

  constructor(supervisor: SupervisorRef, ended: () => void) {
    this.#supervisor = supervisor;
    this.#note();
    // Without an error observer of its own, this subscription would turn a crash into an uncaught exception.
    this.#subscription = supervisor.subscribe({ next: () => this.#note(), complete: ended, error: ended });
  }

  list(): ListedSession[] {
    const { context, children } = this.#supervisor.getSnapshot();
    return [...context.sessions.values()].map(({ slot, userId, roomName, generation }) => ({
      userId: showText(userId),
      roomName: showText(roomName),
      generation,
      isCurrent: context.current.get(userId) === slot,
      states: leafStates(children[slot]?.getSnapshot().value),
      sinceMs: this.#sinceMs.get(generation) ?? context.wallNow(),
    }));
  }

  find(generation: number): { readonly listed: ListedSession; readonly session: SessionRef } | undefined {
    const { context, children } = this.#supervisor.getSnapshot();
    const entry = [...context.sessions.values()].find((each) => each.generation === generation);
    const session = entry && children[entry.slot];
    const listed = this.list().find((each) => each.generation === generation);
    return session && listed && { listed, session };
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  /** Runs after every event of the supervisor, so it looks at one number and is done unless somebody has joined. */
  #note(): void {
    const { context } = this.#supervisor.getSnapshot();
    if (context.lastGeneration === this.#lastGeneration) return;
    this.#lastGeneration = context.lastGeneration;
    const known = this.#sinceMs;
    this.#sinceMs = new Map(
      [...context.sessions.values()].map(({ generation }) => [generation, known.get(generation) ?? context.wallNow()]),
    );
  }
}

/** `{ live: { media: "streaming", peer: "detached" } }` as `live.media.streaming` and `live.peer.detached`. */
export function leafStates(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const leaves = leafStates(inner);
    return leaves.length === 0 ? [key] : leaves.map((leaf) => `${key}.${leaf}`);
  });
}
