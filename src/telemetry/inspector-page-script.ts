// What the session page does in the browser: shows every message itself, so that it is of use without the internet, and
// passes them to Stately's page in the frame, if that answers. Texts only ever become text nodes.

export const PAGE_SCRIPT = `
"use strict";
(() => {
  const EVENTS_SHOWN = 100;
  const HISTORY_MAX = 1000;
  const STATELY = /^https:\\/\\/(?:[a-z0-9-]+\\.)*stately\\.ai$/;
  const main = document.querySelector("main");
  const frame = document.querySelector("iframe");
  const byId = (id) => document.getElementById(id);
  const actors = new Map();
  const history = [];
  let statelyOrigin;

  const element = (name, text) => {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  };
  const leaves = (value) => {
    if (typeof value === "string") return [value];
    return Object.entries(value || {}).flatMap(([key, inner]) => {
      const found = leaves(inner);
      return found.length === 0 ? [key] : found.map((leaf) => key + "." + leaf);
    });
  };
  const nameOf = (sessionId) => (actors.get(sessionId) || { name: sessionId }).name;

  const showActors = () => {
    const rows = [...actors.values()].map(({ name, snapshot }) => {
      const row = document.createElement("tr");
      row.append(element("th", name), element("td", snapshot.status), element("td", leaves(snapshot.value).join(", ")));
      row.firstChild.scope = "row";
      return row;
    });
    byId("actors").replaceChildren(...rows);
  };
  const showSession = (snapshot) => {
    const states = leaves(snapshot.value).map((leaf) => element("li", leaf));
    const shown = [...byId("state").children].map((item) => item.textContent).join();
    // Unchanged, it is left alone: screen readers announce what is replaced.
    if (states.map((item) => item.textContent).join() !== shown) byId("state").replaceChildren(...states);
    byId("context").textContent = JSON.stringify(snapshot.context, undefined, 2);
  };
  const showEvent = ({ createdAt, sessionId, sourceId, event }) => {
    const { type, ...fields } = event;
    const row = document.createElement("tr");
    const time = element("time", new Date(Number(createdAt)).toISOString().slice(11, 23));
    const at = document.createElement("td");
    at.append(time);
    const from = sourceId === undefined ? "" : nameOf(sourceId);
    const detail = Object.keys(fields).length === 0 ? "" : JSON.stringify(fields);
    row.append(at, element("td", type), element("td", from), element("td", nameOf(sessionId)), element("td", detail));
    byId("events").prepend(row);
    if (byId("events").children.length > EVENTS_SHOWN) byId("events").lastElementChild.remove();
  };

  const show = (message) => {
    if (message.type === "@xstate.event") return showEvent(message);
    if (message.type === "@xstate.actor") {
      // Names are used again, as by the next stream: what had the name before is gone, or is about to.
      for (const [id, { name }] of actors) if (name === message.name) actors.delete(id);
      actors.set(message.sessionId, { name: message.name });
    }
    const actor = actors.get(message.sessionId);
    if (actor === undefined) return;
    actor.snapshot = message.snapshot;
    if (message.sessionId === message.rootId) showSession(message.snapshot);
    showActors();
  };
  const remember = (message) => {
    history.push(message);
    if (history.length <= HISTORY_MAX) return;
    // Without the message that introduces an actor, Stately's page could not draw it.
    history.splice(history.findIndex(({ type }) => type !== "@xstate.actor"), 1);
  };
  const pass = (message) => {
    if (statelyOrigin !== undefined) frame.contentWindow.postMessage(message, statelyOrigin);
  };

  addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || !STATELY.test(origin)) return;
    if (!data || data.type !== "@statelyai.connected") return;
    statelyOrigin = origin;
    byId("stately").textContent = "connected";
    for (const message of history) pass(message);
  });

  const socket = new WebSocket("ws://" + location.host + "/session/" + main.dataset.generation + "/ws");
  socket.onopen = () => (byId("connection").textContent = "live");
  socket.onclose = ({ code, reason }) => {
    byId("connection").textContent = code === 1000 ? reason : "disconnected; reload the page to look again";
  };
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    show(message);
    remember(message);
    pass(message);
  };
})();
`;
