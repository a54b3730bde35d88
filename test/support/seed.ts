// Property tests take the same steps in every run, so that a change is judged by what it changed. To look for new
// counterexamples, give another seed and more runs: `FC_SEED=$RANDOM FC_RUNS=30000 npm run test:fast -- commands`.

import fc from "fast-check";

const DEFAULT_SEED = 20_261;

fc.configureGlobal({ seed: Number(process.env["FC_SEED"] ?? DEFAULT_SEED) });
