import { createRequire } from "node:module";

const manifest = createRequire(import.meta.url)("../package.json") as { readonly version: string };

/** The package's version, which GetStatus and the join's metadata name. */
export const VERSION: string = manifest.version;
