// Reads a Dockerfile and a .dockerignore, as far as ours go.

/**
 * @typedef {{ op: string, flags: Record<string, string>, exec: string[] | undefined, text: string }} Instruction
 * @typedef {{ name: string, base: string, instructions: Instruction[] }} Stage
 */

/** @returns {Stage[]} */
export function parseDockerfile(source) {
  const stages = [];
  for (const line of logicalLines(source)) {
    const [, op = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (op === "") throw new Error(`cannot read the line "${line}" of the Dockerfile`);
    if (op === "FROM") {
      const [, base = "", name] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest) ?? [];
      stages.push({ name: name ?? String(stages.length), base, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error(`${op} comes before FROM`);
    stage.instructions.push(parseInstruction(op, rest));
  }
  return stages;
}

function logicalLines(source) {
  return source
    .replaceAll(/^\s*#.*\n?/gm, "")
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

function parseInstruction(op, rest) {
  const flags = {};
  let text = rest;
  for (;;) {
    const flag = /^--([\w-]+)=(\S+)\s+/.exec(text);
    if (flag === null) break;
    flags[flag[1]] = flag[2];
    text = text.slice(flag[0].length);
  }
  // HEALTHCHECK wraps another CMD; NONE would switch it off.
  if (op === "HEALTHCHECK") text = text.replace(/^CMD\s+/, "");
  return { op, flags, exec: text.startsWith("[") ? JSON.parse(text) : undefined, text };
}

/**
 * @param {string} source the text of a .dockerignore
 * @returns {(path: string) => boolean} whether a path of the context is left out; the last matching line decides
 */
export function parseDockerignore(source) {
  const rules = source
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ isException: line.startsWith("!"), pattern: toPattern(line.replace(/^!/, "")) }));
  return (path) => {
    let isOut = false;
    for (const { isException, pattern } of rules) if (pattern.test(path)) isOut = !isException;
    return isOut;
  };
}

function toPattern(glob) {
  const body = glob.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`).replaceAll("*", "[^/]*");
  return new RegExp(`^${body}(?:/|$)`);
}
