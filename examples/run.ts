// `npm run example -- 03`: runs the example whose file begins so; without a name, says which there are.

import { readdirSync } from "node:fs";
import { say } from "./stage.js";

const folder = new URL(".", import.meta.url);
const examples = readdirSync(folder).filter((file) => /^(?:\d+-.*|cloud)\.ts$/.test(file));
const [wanted = ""] = process.argv.slice(2);
const found = examples.filter((file) => wanted !== "" && file.startsWith(wanted));
const [only] = found;

if (only !== undefined && found.length === 1) {
  await import(new URL(only, folder).href);
} else {
  say(`Which one? ${examples.map((file) => file.replace(/\.ts$/, "")).join(", ")}`);
  process.exitCode = 2;
}
