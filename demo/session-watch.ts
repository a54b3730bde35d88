// Tells the states of the bridge's sessions as they change, by looking at the supervisor's children.

import type { Bridge } from "../src/bridge.js";

type Supervisor = Bridge["supervisor"];
type Session = NonNullable<ReturnType<Supervisor["getSnapshot"]>["children"][string]>;

/** `tell` gets the session's generation and what it went through. Returns the end of the watch. */
export function watchSessions(supervisor: Supervisor, tell: (generation: number, text: string) => void): () => void {
  // Children are told apart by themselves: the supervisor uses their ids again.
  const watched = new WeakSet<Session>();
  const endings: (() => void)[] = [];

  function watch(session: Session): void {
    const first = session.getSnapshot();
    const { generation } = first.context;
    let state = nameOf(first.value);
    tell(generation, state);
    const subscription = session.subscribe(({ value }) => {
      const next = nameOf(value);
      if (next === state) return;
      tell(generation, `${state} → ${next}`);
      state = next;
    });
    endings.push(() => subscription.unsubscribe());
  }

  const subscription = supervisor.subscribe(({ children }) => {
    for (const session of Object.values(children)) {
      if (session === undefined || watched.has(session)) continue;
      watched.add(session);
      watch(session);
    }
  });
  return () => {
    subscription.unsubscribe();
    for (const end of endings) end();
  };
}

type SessionState = ReturnType<Session["getSnapshot"]>["value"];

/** The session's two levels that matter, as a person would say them. */
function nameOf(value: SessionState): string {
  if (typeof value === "string") return value;
  if (!("active" in value)) return "closing";
  const { active } = value;
  if (!("live" in active)) return "joining";
  const { media, peer } = active.live;
  return `live(${media}, ${typeof peer === "string" ? peer : "attached"})`;
}
