// A certificate of a test's own, made anew each time and trusted by whoever is told to.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  remove(): void;
}

/** For a server that is reached by this address. */
export function createCertificate(address: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "bridge-certificate-"));
  const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyFile];
  const subject = ["-subj", "/CN=relay.bridge.test", "-addext", `subjectAltName=IP:${address}`];
  execFileSync("openssl", ["req", "-x509", ...key, ...subject, "-days", "1", "-out", certFile], { stdio: "ignore" });
  return { certFile, keyFile, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
