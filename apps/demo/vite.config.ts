/** The pages as static files that work in any folder of any host: every address is relative. */
import { defineConfig } from "vite";

export default defineConfig({
  root: "site",
  base: "./",
  publicDir: "public",
  worker: { format: "es" },
  build: {
    outDir: "../dist/pages",
    emptyOutDir: true,
    target: "es2022",
    // Nothing inlined: the server's policy has no data: for scripts, fonts and workers.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      // Which says more of the machine than of the pages.
      checks: { pluginTimings: false },
      input: {
        index: "site/index.html",
        gallery: "site/gallery.html",
        digits: "site/digits.html",
        experiments: "site/experiments.html",
      },
    },
  },
  logLevel: "warn",
});
