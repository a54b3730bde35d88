// The JavaScript heap of another process, after everything that can be collected was collected: asked over the inspector's
// protocol, so that the measured process needs no code for it.

import { once } from "node:events";
import { WebSocket } from "ws";

export interface HeapProbe {
  /** Megabytes in use. The process stands still for the collection. */
  collectedMb(): Promise<number>;
  close(): void;
}

const ANSWER_MAX_MS = 30_000;

/** `port`: of a process that was started with `--inspect=127.0.0.1:<port>`. */
export async function openHeapProbe(port: number): Promise<HeapProbe> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    readonly webSocketDebuggerUrl: string;
  }[];
  const [target] = targets;
  if (!target) throw new Error("the inspector has nothing to inspect");
  const socket = new WebSocket(target.webSocketDebuggerUrl, { perMessageDeflate: false });
  await once(socket, "open");
  let lastId = 0;
  const ask = async (method: string): Promise<Record<string, unknown>> => {
    const id = (lastId += 1);
    const limit = AbortSignal.timeout(ANSWER_MAX_MS);
    const answered = answerTo(socket, id, limit);
    socket.send(JSON.stringify({ id, method }));
    return answered;
  };
  await ask("HeapProfiler.enable");
  return {
    async collectedMb() {
      // Finalizers run after a collection, and free more for the next one.
      await ask("HeapProfiler.collectGarbage");
      await ask("HeapProfiler.collectGarbage");
      const { usedSize } = await ask("Runtime.getHeapUsage");
      return Number(usedSize) / 1024 / 1024;
    },
    close: () => socket.close(),
  };
}

function answerTo(socket: WebSocket, id: number, limit: AbortSignal): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const over = (end: () => void) => {
      socket.off("message", read);
      socket.off("close", gone);
      limit.removeEventListener("abort", late);
      end();
    };
    const late = () => over(() => reject(new Error(`the inspector did not answer within ${ANSWER_MAX_MS} ms`)));
    const gone = () => over(() => reject(new Error("the measured process has ended")));
    const read = (data: Buffer) => {
      const message = JSON.parse(data.toString()) as { id?: number; result?: Record<string, unknown> };
      if (message.id === id) over(() => resolve(message.result ?? {}));
    };
    socket.on("message", read);
    socket.once("close", gone);
    limit.addEventListener("abort", late, { once: true });
  });
}
