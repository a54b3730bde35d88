// A join names the server it wants, and its token goes there: which servers are allowed is configuration.

/** Returns why `url` is refused, or undefined. `allowedHosts` empty allows every host. */
export function refuseLivekitUrl(url: string, allowedHosts: readonly string[]): string | undefined {
  if (url === "") return "livekit_url is empty and LIVEKIT_URL is not set";
  if (!URL.canParse(url)) return "livekit_url is not a URL";
  const { host, protocol, username, password } = new URL(url);
  if (!["ws:", "wss:", "http:", "https:"].includes(protocol)) return "livekit_url must be ws, wss, http or https";
  if (username !== "" || password !== "") return "livekit_url must not carry a user name or password";
  if (allowedHosts.length > 0 && !allowedHosts.includes(host)) return "livekit_url names a host that is not allowed";
  return undefined;
}
