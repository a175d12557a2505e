import { defineConfig } from "vitest/config";

export default defineConfig({
  // On Node 20 `numerics: "fast"` would be the portable build once more; test/flags.test.ts has what comes without asking.
  test: { env: { ERMINE_RELAXED_SIMD: "1" } },
});
