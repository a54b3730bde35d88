import type { AddressInfo } from "node:net";
import { type ConnectionOptions, type Server, type TLSSocket, createServer } from "node:tls";
import type * as tls from "node:tls";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ResolvedAddress } from "../../../src/audio/fetch/connect.js";
import { failureOf, fetchText, ok, opener, redirect, serve } from "./web.js";

// A certificate for `music.example` and its key, both made for this test and good for nothing else.
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBojCCAUegAwIBAgIUV2OPL8Yd4XH/VTBobbpfg4f6K2IwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNbXVzaWMuZXhhbXBsZTAgFw0yNjExMjExMDA0NDlaGA8yMTI2
MTAyODEwMDQ0OVowGDEWMBQGA1UEAwwNbXVzaWMuZXhhbXBsZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABLqPWBGXaO3JY87nJUqJpx/V20tVDRCcGRs9FzOU9WUw
cDXRL6aag5+F40vg/Ptl7HoTGHUIxXFFs8KltgfYgNujbTBrMB0GA1UdDgQWBBSz
HfTAB2OfU0E/YCbjNjMcCp2FqDAfBgNVHSMEGDAWgBSzHfTAB2OfU0E/YCbjNjMc
Cp2FqDAPBgNVHRMBAf8EBTADAQH/MBgGA1UdEQQRMA+CDW11c2ljLmV4YW1wbGUw
CgYIKoZIzj0EAwIDSQAwRgIhAMc3A94o7j96++GoL7IFIxXk2mCmYbLOWpahfm/E
G4eIAiEA0l1L46mccDSrUAL6xdXke+ugBEnsOeHzQKWCnOMDkS4=
-----END CERTIFICATE-----`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglIrtwrH3vwW+rCYZ
QalANEW/2d1lrL9wqVCDQy6vNVehRANCAAS6j1gRl2jtyWPO5yVKiacf1dtLVQ0Q
nBkbPRczlPVlMHA10S+mmoOfheNL4Pz7Zex6Exh1CMVxRbPCpbYH2IDb
-----END PRIVATE KEY-----`;

const trust = vi.hoisted(() => ({ certificate: "" }));

// Trusting the certificate is all that is changed; everything else is the real thing.
vi.mock("node:tls", async (importOriginal) => {
  const original = await importOriginal<typeof tls>();
  const connect = (options: ConnectionOptions) =>
    original.connect(trust.certificate === "" ? options : { ...options, ca: trust.certificate });
  return { ...original, connect };
});

const silent = new AbortController().signal;
const resolve = async (): Promise<readonly ResolvedAddress[]> => [{ address: "127.0.0.1", family: 4 }];

let server: Server;
let port: number;
let host: string;
let sockets: TLSSocket[];
let reply: string;

beforeEach(async () => {
  trust.certificate = CERTIFICATE;
  reply = ok("tone");
  sockets = [];
  server = createServer({ cert: CERTIFICATE, key: KEY }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("data", () => socket.end(reply));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  ({ port } = server.address() as AddressInfo);
  host = `127.0.0.1:${port}`;
});
afterEach(() => new Promise((done) => server.close(done)));

describe("https", () => {
  it("asks the server by its name, at the address that was judged", async () => {
    expect(await fetchText(opener([host], { resolve }), `https://music.example:${port}/`)).toBe("tone");
    expect(sockets[0]?.servername).toBe("music.example");
    expect(sockets[0]?.alpnProtocol === "h2").toBe(false);
  });

  it.each([
    ["of another name", (at: number) => `https://news.example:${at}/`],
    ["of another address", (at: number) => `https://127.0.0.1:${at}/`],
  ])("refuses a certificate %s before it asks anything", async (_, url) => {
    const failure = await failureOf(opener([host], { resolve }).open(url(port), silent));
    expect(failure).toMatchObject({ code: "unreachable", message: expect.stringContaining("ALTNAME") as string });
    expect(sockets.every((socket) => socket.bytesRead === 0 || socket.destroyed)).toBe(true);
  });

  it("refuses a certificate that nobody vouches for", async () => {
    trust.certificate = "";
    const failure = await failureOf(opener([host], { resolve }).open(`https://music.example:${port}/`, silent));
    expect(failure).toMatchObject({
      code: "unreachable",
      message: "audio URL cannot be reached: its TLS certificate is not accepted (DEPTH_ZERO_SELF_SIGNED_CERT)",
    });
  });

  it("may send us to http, where the rules are the same", async () => {
    const web = await serve((socket) => socket.end(ok("plain tone")));
    reply = redirect(web.url());
    const url = `https://music.example:${port}/`;
    expect(await fetchText(opener([host, web.host], { resolve }), url)).toBe("plain tone");
    expect((await failureOf(opener([host], { resolve }).open(url, silent))).code).toBe("forbidden");
    expect(web.connections).toBe(1);
  });
});
