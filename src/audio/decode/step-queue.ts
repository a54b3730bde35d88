// All decoding of the process happens here, in small synchronous steps: a few milliseconds of them per turn of the event
// loop, first come, first served. However many streams decode at once, and however fast their bytes arrive, the loop is
// back at its other work after `STEPS_PER_TURN_MAX_MS` and one step.

const STEPS_PER_TURN_MAX_MS = 4;

type Step = () => void;

let waiting: Step[] = [];
let isScheduled = false;

/** Runs `work` in a later turn of the event loop. Rejects with what it throws. */
export function inStep<T>(work: () => T): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    waiting.push(() => {
      try {
        resolve(work());
      } catch (error) {
        reject(error);
      }
    });
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(runTurn);
  });
}

function runTurn(): void {
  const startedAtMs = performance.now();
  let done = 0;
  for (const step of waiting) {
    step();
    done += 1;
    if (performance.now() - startedAtMs >= STEPS_PER_TURN_MAX_MS) break;
  }
  waiting = waiting.slice(done);
  isScheduled = waiting.length > 0;
  if (isScheduled) setImmediate(runTurn);
}
