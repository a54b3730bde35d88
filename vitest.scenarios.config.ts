import { defineConfig } from "vitest/config";

// `npm run test:scenarios`: cloud, bridge, livekit-server and phone as processes on networks of their own, which are killed
// and cut. It wants root, iproute2 and a machine that does nothing else meanwhile.
export default defineConfig({
  test: {
    name: "scenarios",
    pool: "forks",
    reporters: ["default", "./test/support/reporter.ts"],
    include: ["test/integration/scenarios/**/*.test.ts"],
    fileParallelism: false,
    globalSetup: "test/support/built.ts",
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});
