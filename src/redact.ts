// Tokens never leave the process in a text: not in a log line, not in an error that a client reads.

const JWT = /eyJ[\w-]*\.[\w-]*\.[\w-]*/g;
const SECRET_PARAMETER = /\b(access_token|token|api_secret|apiSecret|authorization)=[^&\s"']+/gi;
const USERINFO = /\/\/[^/\s:@]+:[^/\s@]+@/g;

export function redact(text: string): string {
  return text.replace(JWT, "[token]").replace(SECRET_PARAMETER, "$1=[redacted]").replace(USERINFO, "//[redacted]@");
}
