// A connection to an address that was judged before, and to no other. The name is not asked for a second time, so an
// answer that changes in between (DNS rebinding) changes nothing.

import { type Socket, type LookupFunction, connect as connectTcp, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { isSameAddress } from "./address-class.js";
import { type AudioUrl, forbidden } from "./audio-url.js";
import type { FetchScope } from "./fetch-scope.js";

export interface ResolvedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** How long one of several addresses may take before the next is tried; the last one has what is left of the limit. */
const ATTEMPT_TIMEOUT_MS = 400;

/** `addresses` are those of the URL's host, all of them admitted. */
export async function connectTo(
  url: AudioUrl,
  addresses: readonly ResolvedAddress[],
  scope: FetchScope,
): Promise<Socket> {
  const tcp = connectTcp({
    host: url.hostname,
    port: url.port,
    // Not called for an address in the URL; that one is what was judged.
    lookup: answering(addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_TIMEOUT_MS,
  });
  scope.own(tcp);
  await event(tcp, "connect");
  // The second line of defence, for the day on which the first has a hole: where are we really?
  const { remoteAddress = "" } = tcp;
  if (!addresses.some(({ address }) => isSameAddress(address, remoteAddress))) throw forbidden();
  if (!url.isSecure) return tcp;

  const name = url.hostname.replace(/\.$/, "");
  const tls = connectTls({
    socket: tcp,
    host: name,
    ALPNProtocols: ["http/1.1"],
    // An address must not be sent as a server name; the certificate is checked against `host` then.
    ...(isIP(name) === 0 && { servername: name }),
  });
  scope.own(tls);
  await event(tls, "secureConnect");
  return tls;
}

function answering(addresses: readonly ResolvedAddress[]): LookupFunction {
  const all = [...addresses];
  const [first = { address: "", family: 0 }] = all;
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, all);
    else callback(null, first.address, first.family);
  };
}

function event(socket: Socket, name: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(Object.assign(new Error("closed"), { code: "ECONNRESET" }));
    socket.once("error", reject);
    socket.once("close", closed);
    socket.once(name, () => {
      socket.off("error", reject);
      socket.off("close", closed);
      resolve();
    });
  });
}
