// The three messages of Stately's inspector (the wire of @statelyai/inspect 0.7.2), about one session and its children. The
// session stands as the root: its supervisor, and with it everybody else's session, does not exist on this wire.

import type { AnyActorRef, AnyEventObject } from "xstate";
import type { PlaybackContext } from "../machines/playback-context.js";
import type { SessionContext } from "../machines/session-context.js";
import type { SessionRef } from "./inspector-sessions.js";
import type { Plain } from "./inspector-sanitiser.js";
import { showContext, showError, showEvent, showOutput, showPlayback, showText } from "./inspector-sanitiser.js";

/** Receivers take a message for theirs by the presence of a version. */
const WIRE_VERSION = "0.7.2";

/** What snapshots of all kinds of actors may have. */
interface AnySnapshotShape {
  readonly status?: unknown;
  readonly value?: unknown;
  readonly context?: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly children?: Readonly<Record<string, AnyActorRef | undefined>>;
}

const isPlayback = (ref: AnyActorRef) => /^play\.\d+$/.test(ref.id);

export class SessionMessages {
  readonly #session: SessionRef;
  readonly #wallNow: () => number;

  constructor(session: SessionRef, wallNow: () => number) {
    this.#session = session;
    this.#wallNow = wallNow;
  }

  /** Without a snapshot for an actor that is only just being made: it has none, and must not be asked. */
  actor(ref: AnyActorRef, given?: unknown): string {
    const parentId = this.#isSession(ref) ? {} : { parentId: ref._parent?.sessionId };
    const name = this.#isSession(ref) ? `session ${this.#session.getSnapshot().context.generation}` : showText(ref.id);
    const snapshot = this.#showSnapshot(ref, given);
    return this.#write("@xstate.actor", ref, { name, ...parentId, definition: definitionOf(ref), snapshot });
  }

  event(ref: AnyActorRef, event: AnyEventObject, source: AnyActorRef | undefined): string {
    const sourceId = source && source !== this.#session._parent ? { sourceId: source.sessionId } : {};
    return this.#write("@xstate.event", ref, { event: showEvent(event), ...sourceId });
  }

  snapshot(ref: AnyActorRef, event: AnyEventObject, given: unknown): string {
    const snapshot = this.#showSnapshot(ref, given);
    return this.#write("@xstate.snapshot", ref, { event: showEvent(event), snapshot });
  }

  /** The session and all that it runs, for a viewer who comes later than they did. */
  backfill(): string[] {
    const messages: string[] = [];
    const visit = (ref: AnyActorRef) => {
      const snapshot: unknown = ref.getSnapshot();
      messages.push(this.actor(ref, snapshot));
      const { children } = snapshot as AnySnapshotShape;
      for (const child of Object.values(children ?? {})) if (child) visit(child);
    };
    visit(this.#session);
    return messages;
  }

  #isSession(ref: AnyActorRef): boolean {
    return ref === this.#session;
  }

  #showSnapshot(ref: AnyActorRef, given: unknown): Plain {
    const snapshot = (given ?? {}) as AnySnapshotShape;
    const { status = "active", value, context, output, error, children } = snapshot;
    const ids = Object.keys(children ?? {}).map((id) => [id, { xstate$$type: 1, id }] as const);
    return {
      status: showText(String(status)),
      ...(value === undefined ? {} : { value: showValue(value), children: Object.fromEntries(ids) }),
      ...(this.#isSession(ref) ? { context: showContext(context as SessionContext, !isActive(value)) } : {}),
      ...(isPlayback(ref) ? { context: showPlayback(context as PlaybackContext) } : {}),
      ...(output === undefined ? {} : { output: showOutput(output) }),
      ...(error === undefined ? {} : { error: showError(error) }),
    };
  }

  #write(type: string, ref: AnyActorRef, fields: Record<string, unknown>): string {
    const createdAt = String(this.#wallNow());
    const rootId = this.#session.sessionId;
    return JSON.stringify({
      type,
      sessionId: ref.sessionId,
      rootId,
      createdAt,
      id: null,
      _version: WIRE_VERSION,
      ...fields,
    });
  }
}

function isActive(value: unknown): boolean {
  return typeof value === "object" && value !== null && "active" in value;
}

/** A state value holds nothing but names of states. */
function showValue(value: unknown): Plain {
  return JSON.parse(JSON.stringify(value)) as Plain;
}

interface LogicShape {
  readonly logic?: { readonly config?: object };
}

const definitions = new WeakMap<object, string>();

/** The chart, for a machine; for any other actor its id, which the inspector shows as a box. Functions drop out. */
function definitionOf(ref: AnyActorRef): string {
  const { logic } = ref as LogicShape;
  if (!logic || logic.config === undefined || !("states" in logic.config))
    return JSON.stringify({ id: showText(ref.id) });
  const known = definitions.get(logic);
  if (known !== undefined) return known;
  const definition = JSON.stringify(logic.config);
  definitions.set(logic, definition);
  return definition;
}
