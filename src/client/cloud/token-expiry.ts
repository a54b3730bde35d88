/** Whether a LiveKit token says that its time is over. What is no token is not judged here: the bridge will refuse it. */
export function isExpired(token: string, nowMs = Date.now()): boolean {
  const [, payload = ""] = token.split(".");
  try {
    const { exp } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { exp?: unknown };
    return typeof exp === "number" && exp * 1000 <= nowMs;
  } catch {
    return false;
  }
}
