/** The pages as static files that work in any folder of any host: every address is relative. */
import { defineConfig, type Plugin } from "vite";
import { pages } from "./site/src/design/pages.js";

/** What there is to read until a page's script has run: nothing at first, and after three seconds what keeps it from running. */
const waiting = `
    <style>@keyframes late { to { visibility: visible; } }</style>
    <noscript>This page computes what it shows in your browser, which needs JavaScript.</noscript>
    <p class="waiting" style="visibility: hidden; animation: late 0s 3s forwards">Loading. If this stays, the page's script could not be loaded: a web server has to serve
      the pages (<code>python3 -m http.server</code> will do), opening the file is not enough; and the browser has to know JavaScript modules.</p>
  `;

/** What all pages have in common: a page's own file has its title, its description and its script. */
const frame: Plugin = {
  name: "ermine-frame",
  transformIndexHtml: {
    order: "pre",
    handler: () => [
      { tag: "meta", attrs: { charset: "utf-8" }, injectTo: "head-prepend" },
      { tag: "meta", attrs: { name: "viewport", content: "width=device-width, initial-scale=1" }, injectTo: "head-prepend" },
      { tag: "meta", attrs: { name: "color-scheme", content: "light dark" }, injectTo: "head-prepend" },
      { tag: "link", attrs: { rel: "icon", type: "image/svg+xml", href: "./icon.svg" }, injectTo: "head" },
      {
        tag: "div",
        attrs: { id: "page" },
        children: waiting,
        injectTo: "body",
      },
    ],
  },
};

export default defineConfig({
  root: "site",
  base: "./",
  publicDir: "public",
  plugins: [frame],
  worker: {
    format: "es",
    // Nothing imports the script that a worker is started with: WebKit would run it a second time, with a second engine that listens to the page, too. So what it
    // shares with the chunks that are loaded later is in a file of its own.
    rollupOptions: {
      output: {
        codeSplitting: { groups: [{ name: "engine", tags: ["$initial"], test: (id) => !/\/worker\.ts(\?|$)/.test(id) }] },
      },
    },
  },
  build: {
    outDir: "../dist/pages",
    emptyOutDir: true,
    target: "es2022",
    // The first ones with light-dark().
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Nothing inlined: the server's policy has no data: for scripts, fonts and workers.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      // Which says more of the machine than of the pages.
      checks: { pluginTimings: false },
      input: {
        ...Object.fromEntries(pages.map(({ name, file }) => [name.toLowerCase(), `site/${file}`])),
        isolation: "site/src/isolation/serviceWorker.ts",
      },
      // A service worker has the pages of its own folder, and is found again by its name.
      output: { entryFileNames: ({ name }) => (name === "isolation" ? "[name].js" : "assets/[name]-[hash].js") },
    },
  },
  logLevel: "warn",
});
