// The shape of a URL, before anybody is asked anything. Only what `new URL()` has made of a text is judged: it turns the
// many ways to write an address (decimal, hexadecimal, octal, short, full-width, with a dot at the end) into one.

import { isIP } from "node:net";
import { FetchError } from "./fetch-error.js";
import { type AddressGuard, type HostAndPort, withoutBrackets } from "./fetch-policy.js";

/** Far more than a real link has, and little enough to be parsed in passing. */
const URL_LENGTH_MAX = 8192;

export interface AudioUrl extends HostAndPort {
  readonly isSecure: boolean;
  /** With the port, unless it is the scheme's own: the `Host` header. */
  readonly host: string;
  readonly path: string;
  readonly href: string;
}

/** Throws a FetchError. */
export function parseAudioUrl(text: string): AudioUrl {
  if (text === "") throw new FetchError("invalid_url", "audio URL is empty");
  if (text.length > URL_LENGTH_MAX) throw invalid(`it has more than ${URL_LENGTH_MAX} characters`);
  if (!URL.canParse(text)) throw invalid("it is not a URL");
  const url = new URL(text);
  const isSecure = url.protocol === "https:";
  if (!isSecure && url.protocol !== "http:") throw invalid("only http and https can be played");
  if (url.username !== "" || url.password !== "") throw invalid("it must not carry a user name or password");
  const { host, hostname, pathname, search, port } = url;
  return {
    isSecure,
    host,
    hostname: withoutBrackets(hostname),
    port: port === "" ? (isSecure ? 443 : 80) : Number(port),
    path: pathname + search,
    href: url.href,
  };
}

/** Where a redirect leads. Whatever is wrong with it was the server's choice, not the caller's: it is refused. */
export function parseRedirect(location: string, from: AudioUrl): AudioUrl {
  if (!URL.canParse(location, from.href)) throw redirectRefusal("something that is not a URL");
  try {
    return parseAudioUrl(new URL(location, from.href).href);
  } catch {
    throw redirectRefusal("a URL that must not be asked");
  }
}

/** For an address written into the URL no question to a name server is needed: it is refused at once. */
export function refuseLiteral(url: AudioUrl, guard: AddressGuard): FetchError | undefined {
  const isRefused = isIP(url.hostname) !== 0 && !guard.admits(url, [url.hostname]);
  return isRefused ? forbidden() : undefined;
}

// What the name resolved to stays with us: it would tell a stranger about the inside of the network.
export const forbidden = (): FetchError =>
  new FetchError("forbidden", "audio URL refused: its host is not on the public internet");

const invalid = (reason: string) => new FetchError("invalid_url", `invalid audio URL: ${reason}`);
const redirectRefusal = (where: string) => new FetchError("forbidden", `audio URL refused: it redirects to ${where}`);
