/**
 * Adds the headers of isolated pages to what a host sends without them: memory is shared between threads only on isolated pages. It keeps nothing, so that
 * a page is as new as its host has it, and what needs no headers does not come through here.
 */

const worker = globalThis as unknown as ServiceWorkerGlobalScope;

const policies = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" } as const;

/** Documents and workers are isolated by the headers that they come with; everything else is of the page's origin, and needs none. */
const isolated: ReadonlySet<RequestDestination> = new Set(["document", "worker", "sharedworker"]);

async function isolate(request: Request): Promise<Response> {
  // A host that says nothing of how long a page holds would have browsers guess; 304 costs little.
  const response = await fetch(request, { cache: "no-cache" });
  // A redirection is followed by the browser, and its status is 0.
  const isComplete = response.status === 0 || Object.keys(policies).every((name) => response.headers.has(name));
  if (isComplete) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(policies)) headers.set(name, value);
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}

worker.addEventListener("install", () => void worker.skipWaiting());
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (isolated.has(request.destination)) event.respondWith(isolate(request));
});

export {};
