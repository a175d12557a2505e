import { defineConfig } from "vitest/config";

export default defineConfig({
  // The packages are packed once, for all files.
  test: { include: ["test/**/*.test.ts"], globalSetup: "src/globalSetup.ts", testTimeout: 120_000, hookTimeout: 120_000 },
});
