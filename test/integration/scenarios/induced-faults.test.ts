import { expect, test } from "vitest";
import { faultTable } from "../../scenarios/fault-table.js";
import { induceFaults } from "../../scenarios/induced-faults.js";
import { canPlayScenarios } from "../../scenarios/required.js";

const COUNT = 30;
const SEED = 7;
/** A user whom the client cannot bring back is told of within this. */
const TOLD_MAX_MS = 20_000;

test.skipIf(!canPlayScenarios())(
  `${COUNT} faults of mixed kinds: each user is heard again without help, and nothing is left over`,
  async () => {
    const { outcomes, leftovers } = await induceFaults({ count: COUNT, seed: SEED });
    console.log(`seed ${SEED}\n${faultTable(outcomes)}`);
    const helped = outcomes.filter(({ help }) => help !== undefined);
    expect(helped).toEqual([]);
    expect(helped.filter(({ told }) => (told?.afterMs ?? Number.POSITIVE_INFINITY) > TOLD_MAX_MS)).toEqual([]);
    expect(outcomes.length).toBeGreaterThanOrEqual(COUNT);
    expect(leftovers).toEqual([]);
  },
  240_000,
);
