// Prints plain data as TypeScript in the project's own format, so that a generated chart reads like a written one and the
// same chart is always the same text.

const WIDTH = 120;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

export function printLiteral(value: unknown, indent = "", used = 0): string {
  const line = printInline(value);
  if (typeof value !== "object" || value === null) return line;
  // The comma behind it counts as well.
  if (indent !== "" && indent.length + used + line.length + 1 <= WIDTH && !hasDepth(value)) return line;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => `${inner}${printLiteral(item, inner)},\n`);
    return `[\n${items.join("")}${indent}]`;
  }
  const entries = Object.entries(value).map(([key, each]) => {
    const name = `${printKey(key)}: `;
    return `${inner}${name}${printLiteral(each, inner, name.length)},\n`;
  });
  return `{\n${entries.join("")}${indent}}`;
}

/** States always get lines of their own, however short. */
function hasDepth(value: object): boolean {
  return Object.values(value).some(
    (each: unknown) => typeof each === "object" && each !== null && ("description" in each || hasDepth(each)),
  );
}

function printInline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(printInline).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, each]) => `${printKey(key)}: ${printInline(each)}`);
  return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
}

function printKey(key: string): string {
  return IDENTIFIER.test(key) ? key : JSON.stringify(key);
}
