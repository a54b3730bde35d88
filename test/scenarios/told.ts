// The other half of `program.ts`: what a program does with the lines on its stdin.

import { createInterface } from "node:readline";

export interface Order {
  readonly do: string;
  readonly id: number;
  readonly [field: string]: unknown;
}

/** Says something on stdout, as one line. */
export function report(name: string, fields: object = {}): void {
  process.stdout.write(`${JSON.stringify({ report: name, ...fields })}\n`);
}

/** Carries out orders as they come, several at a time, and answers each. The program ends when its stdin does. */
export function obey(actions: Readonly<Record<string, (order: Order) => unknown>>): void {
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => {
    const order = JSON.parse(line) as Order;
    void carryOut(actions, order).then(
      (result) => report("done", { id: order.id, ...(result as object | undefined) }),
      (error: unknown) =>
        report("error", { id: order.id, error: error instanceof Error ? error.message : String(error) }),
    );
  });
  lines.on("close", () => process.exit(0));
}

async function carryOut(actions: Readonly<Record<string, (order: Order) => unknown>>, order: Order): Promise<unknown> {
  const action = actions[order.do];
  if (!action) throw new Error(`unknown order: ${order.do}`);
  return action(order);
}

/** The program's only argument, as `startProgram` was given it. */
export function programInput(): unknown {
  return JSON.parse(process.argv[2] ?? "{}");
}
