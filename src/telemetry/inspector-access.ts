// Loopback alone does not keep strangers out: any page in a browser on this machine may talk to loopback. A page of
// another site shows itself by its Origin, and a name that was rebound to 127.0.0.1 by its Host.

import type { IncomingMessage } from "node:http";

/** The port may differ from ours: that is how a tunnel (`ssh -L`) looks from its other end. */
const OWN_HOST = /^(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/i;

export function isOwnHost({ headers }: IncomingMessage): boolean {
  return headers.host !== undefined && OWN_HOST.test(headers.host);
}

/** True without an Origin too: browsers send one with every WebSocket, and other local programs need no browser to ask. */
export function isOwnOrigin({ headers }: IncomingMessage): boolean {
  return headers.origin === undefined || headers.origin === `http://${headers.host}`;
}
