// Who watches which session. XState tells an observer of a system about every actor in it, so there is one only while
// somebody watches, and it looks at the actor first: what is not of a watched session costs a lookup.

import type { AnyActorRef, AnyEventObject, InspectionEvent } from "xstate";
import { SessionMessages } from "./inspector-messages.js";
import type { SessionRef, SupervisorRef } from "./inspector-sessions.js";
import type { InspectorViewer } from "./inspector-viewer.js";

interface Watch {
  readonly session: SessionRef;
  readonly messages: SessionMessages;
  readonly viewers: Set<InspectorViewer>;
}

/** WebSocket close codes, as RFC 6455 defines them. */
const NORMAL = 1000;
const INTERNAL_ERROR = 1011;

export class InspectorWatches {
  readonly #supervisor: SupervisorRef;
  readonly #failed: (error: unknown) => void;
  readonly #watches = new Map<AnyActorRef, Watch>();
  #subscription: { unsubscribe(): void } | undefined;

  constructor(supervisor: SupervisorRef, failed: (error: unknown) => void) {
    this.#supervisor = supervisor;
    this.#failed = failed;
  }

  /** Shows the session as it is, then as it changes. */
  add(session: SessionRef, viewer: InspectorViewer): void {
    const watch = this.#watches.get(session) ?? this.#begin(session);
    watch.viewers.add(viewer);
    for (const message of watch.messages.backfill()) viewer.send(message);
  }

  remove(session: SessionRef, viewer: InspectorViewer): void {
    const watch = this.#watches.get(session);
    watch?.viewers.delete(viewer);
    if (watch?.viewers.size === 0) this.#forget(watch);
  }

  close(code: number, reason: string): void {
    for (const watch of this.#watches.values()) this.#end(watch, code, reason);
  }

  #begin(session: SessionRef): Watch {
    const { wallNow } = this.#supervisor.getSnapshot().context;
    const watch: Watch = { session, messages: new SessionMessages(session, wallNow), viewers: new Set() };
    this.#watches.set(session, watch);
    this.#subscription ??= this.#supervisor.system.inspect((event) => this.#observe(event));
    return watch;
  }

  #forget(watch: Watch): void {
    this.#watches.delete(watch.session);
    if (this.#watches.size > 0) return;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  #end(watch: Watch, code: number, reason: string): void {
    const viewers = [...watch.viewers];
    this.#forget(watch);
    for (const viewer of viewers) viewer.close(code, reason);
  }

  #observe(event: InspectionEvent): void {
    const target = event.actorRef as AnyActorRef;
    if (target === this.#supervisor) this.#observeSupervisor(event);
    else this.#observeSession(this.#watches.get(this.#sessionOf(target)), event, target);
  }

  /** XState calls from inside the session's own turn: what is thrown here would be thrown at the session. */
  #observeSession(watch: Watch | undefined, event: InspectionEvent, target: AnyActorRef): void {
    if (!watch) return;
    try {
      const message = messageOf(watch.messages, event, target);
      if (message !== undefined) this.#send(watch, message);
    } catch (error) {
      this.#end(watch, INTERNAL_ERROR, "the inspector failed");
      this.#failed(error);
    }
  }

  /** A session that is done says so to its supervisor; one that has crashed does only that. */
  #observeSupervisor(event: InspectionEvent): void {
    if (event.type !== "@xstate.event" || !isEnd(event.event)) return;
    const watch = this.#watches.get(event.sourceRef as AnyActorRef);
    if (!watch) return;
    try {
      this.#send(watch, watch.messages.snapshot(watch.session, event.event, watch.session.getSnapshot()));
    } catch (error) {
      this.#failed(error);
    }
    this.#end(watch, NORMAL, "the session has ended");
  }

  #send(watch: Watch, message: string): void {
    // A viewer that is dropped leaves the set while it is walked, which a Set allows.
    for (const viewer of watch.viewers) viewer.send(message);
  }

  #sessionOf(actor: AnyActorRef): AnyActorRef {
    let session = actor;
    while (session._parent && session._parent !== this.#supervisor) session = session._parent;
    return session;
  }
}

function isEnd({ type }: AnyEventObject): boolean {
  return type.startsWith("xstate.done.actor.") || type.startsWith("xstate.error.actor.");
}

/** Of the other kinds the inspector knows nothing. */
function messageOf(messages: SessionMessages, event: InspectionEvent, target: AnyActorRef): string | undefined {
  if (event.type === "@xstate.actor") return messages.actor(target);
  if (event.type === "@xstate.event") {
    return messages.event(target, event.event, event.sourceRef as AnyActorRef | undefined);
  }
  return event.type === "@xstate.snapshot" ? messages.snapshot(target, event.event, event.snapshot) : undefined;
}
