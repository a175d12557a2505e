/** Serves the pages on the loopback interface, to pages of its own address alone. */
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { raceRoutes } from "./race.js";

/** What the pages may do: load what is theirs, compile WebAssembly, and have workers. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers: Readonly<Record<string, string>> = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  // Memory is shared between threads only on isolated pages.
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  // By which a page knows that it is not on a static host, without asking one for what it does not have.
  "server-timing": "ermine",
};

/** Names of the loopback interface, under which a browser may reach the server. */
const loopback = ["127.0.0.1", "localhost", "[::1]"];

/**
 * The server's app. A request for another host (a name that somebody else has pointed at this machine), or from a page of another origin, is refused.
 *
 * @param folder the built pages
 * @param port the port that it is served on, which is known when it listens
 */
export function siteApp(folder: string, port: () => number): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    const hosts = loopback.map((name) => `${name}:${port()}`);
    const [host, origin] = [context.req.header("host"), context.req.header("origin")];
    if (host === undefined || !hosts.includes(host)) {
      return context.text(`This server answers to ${hosts[0]} alone, not to ${host ?? "a request without a host"}.\n`, 403);
    }
    if (origin !== undefined && !hosts.some((name) => origin === `http://${name}`)) {
      return context.text(`This server answers to its own pages alone, not to those of ${origin}.\n`, 403);
    }
    const isAsked = context.req.path.startsWith("/api/");
    if (!isAsked && context.req.method !== "GET" && context.req.method !== "HEAD")
      return context.text("There is nothing to write here.\n", 405, { allow: "GET, HEAD" });
    // A page of another origin sends its origin with every POST; what sends none is no page of this server's.
    if (context.req.method === "POST" && origin === undefined)
      return context.text("This server takes what its own pages send: the request has no Origin.\n", 403);
    await next();
    for (const [name, value] of Object.entries(headers)) context.header(name, value);
    // Names of built files change with what is in them.
    context.header("cache-control", context.req.path.includes("/assets/") ? "public, max-age=31536000, immutable" : "no-cache");
  });
  app.route("/api/digits", raceRoutes());
  app.use(serveStatic({ root: folder }));
  app.notFound((context) => context.text(`There is no page ${context.req.path}.\n`, 404));
  return app;
}
