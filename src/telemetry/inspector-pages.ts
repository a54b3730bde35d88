// The inspector's two pages. Each is one document: nothing is loaded but Stately's own page in its frame.

import { createHash } from "node:crypto";
import { PAGE_SCRIPT } from "./inspector-page-script.js";
import type { ListedSession } from "./inspector-sessions.js";

export const STATELY_URL = "https://stately.ai/inspect";
const SESSIONS_SHOWN_MAX = 1000;

const STYLE = `
:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 75rem; padding: 1rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: start; font-weight: bold; padding-block: .5rem; }
th, td { border-bottom: 1px solid #8888; padding: .25rem .75rem .25rem 0; text-align: start; vertical-align: top; }
h1, .free, #events td:last-child { overflow-wrap: anywhere; }
time { white-space: nowrap; }
a:focus-visible { outline: 3px solid; outline-offset: 2px; }
.columns { display: grid; gap: 0 2rem; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
#state { font-size: 1.25rem; min-height: 3.75rem; }
#state, td, pre { font-family: ui-monospace, monospace; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.scroll { max-height: 24rem; overflow: auto; }
iframe { border: 1px solid #8888; height: 80vh; width: 100%; }
`;

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Nothing runs, loads or frames these pages but what is written here. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(PAGE_SCRIPT)}`,
  "connect-src 'self'",
  "img-src data:",
  "frame-src https://stately.ai https://*.stately.ai",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export function listPage(sessions: readonly ListedSession[], nowMs: number): string {
  const shown = sessions.slice(0, SESSIONS_SHOWN_MAX).map((session) => listRow(session, nowMs));
  const more =
    sessions.length > shown.length ? `<p>The first ${shown.length} of ${sessions.length} are shown.</p>` : "";
  const table = `<table>
<caption>Sessions: ${sessions.length}</caption>
<thead><tr><th scope="col">User</th><th scope="col">Room</th><th scope="col">Generation</th><th scope="col">State</th>
<th scope="col">Since (UTC)</th></tr></thead>
<tbody>
${shown.join("\n")}
</tbody>
</table>`;
  const body = sessions.length === 0 ? "<p>No session right now.</p>" : `${table}${more}`;
  return page("Sessions", `<h1>Sessions of this bridge</h1>\n${body}\n<p><a href="/">Look again</a></p>`);
}

function listRow({ userId, roomName, generation, isCurrent, states, sinceMs }: ListedSession, nowMs: number): string {
  const since = new Date(sinceMs).toISOString();
  const age = `${Math.max(0, Math.round((nowMs - sinceMs) / 1000))} s ago`;
  const state = [...states, ...(isCurrent ? [] : ["(no longer current)"])].map(escapeHtml).join("<br>");
  return `<tr><th scope="row" class="free"><a href="/session/${generation}">${escapeHtml(userId)}</a></th><td class="free">${escapeHtml(roomName)}</td>
<td>${generation}</td><td>${state}</td><td><time datetime="${since}">${since.slice(0, 19).replace("T", " ")}</time><br>${age}</td></tr>`;
}

export function sessionPage({ userId, roomName, generation }: ListedSession): string {
  const title = `Session ${generation} of ${userId}`;
  return page(
    title,
    `<p><a href="/">All sessions</a></p>
<h1>${escapeHtml(title)}</h1>
<p>Room <strong>${escapeHtml(roomName)}</strong>, connection: <span id="connection" role="status">connecting</span></p>
<div class="columns">
<section aria-labelledby="state-title"><h2 id="state-title">State</h2>
<ul id="state" aria-live="polite"></ul>
<table><caption>Actors</caption><thead><tr><th scope="col">Actor</th><th scope="col">Status</th><th scope="col">State</th></tr>
</thead><tbody id="actors"></tbody></table></section>
<section aria-labelledby="context-title"><h2 id="context-title">Context</h2>
<pre id="context" class="scroll" tabindex="0" aria-labelledby="context-title"></pre></section>
</div>
<section aria-labelledby="events-title"><h2 id="events-title">Last events, newest first</h2>
<div class="scroll" tabindex="0" role="region" aria-labelledby="events-title">
<table><thead><tr><th scope="col">Time (UTC)</th><th scope="col">Event</th><th scope="col">From</th><th scope="col">To</th>
<th scope="col">Details</th></tr></thead><tbody id="events"></tbody></table></div></section>
<section aria-labelledby="stately-title"><h2 id="stately-title">Chart in Stately's inspector</h2>
<p>From stately.ai, which has to be reachable from this browser: <span id="stately" role="status">not connected</span>.</p>
<iframe src="${STATELY_URL}" title="Stately's inspector" referrerpolicy="no-referrer"
sandbox="allow-scripts allow-same-origin allow-popups allow-forms"></iframe></section>
<script>${PAGE_SCRIPT}</script>`,
    ` data-generation="${generation}"`,
  );
}

export function errorPage(title: string): string {
  return page(title, `<h1>${escapeHtml(title)}</h1>\n<p><a href="/">All sessions</a></p>`);
}

function page(title: string, body: string, attributes = ""): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · bridge inspector</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<main${attributes}>
${body}
</main>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
