import { defineConfig } from "vitest/config";

export default defineConfig({
  // Tests count work; a busy machine is no failure.
  test: { testTimeout: 60_000 },
});
