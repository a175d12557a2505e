/** Trainings on the server: each in a worker, its messages as server-sent events of the request that started it. Whoever goes away ends it. */
import { Worker } from "node:worker_threads";
import { ErmineError, probeBackends } from "@ermine/core";
import { nearestName } from "@ermine/core/define";
import { trainInWorker } from "@ermine/trainer/worker";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { streamSSE } from "hono/streaming";
import { registerBackends } from "../backends.js";
import { parseChoices, type Choices, type ServerBackend, type ServerState, type TrainingMessage } from "../race/messages.js";
import type train from "./raceWorker.js";

/** Trainings that run at once, of all pages together. */
export const mostRuns = 2;

/** Bytes of a request. */
const mostBytes = 4096;

/** The backends that the server trains on. */
const backendNames = ["cpu", "tfjs"] as const;
type BackendName = (typeof backendNames)[number];

function parseRequest(body: unknown): { readonly backend: BackendName; readonly choices: Choices } {
  const { backend, choices } = (typeof body === "object" && body !== null ? body : {}) as Readonly<Record<string, unknown>>;
  const available = backendNames.find((name) => name === backend);
  if (available === undefined) {
    const near = typeof backend === "string" ? nearestName(backend, backendNames) : undefined;
    throw new ErmineError(
      "ERMINE_OPTION",
      `backend is ${backendNames.join(" or ")}, got ${JSON.stringify(backend)}.${near === undefined ? "" : ` Did you mean "${near}"?`}`,
    );
  }
  return { backend: available, choices: parseChoices(choices ?? {}) };
}

/** What can be trained on here. */
async function serverBackends(): Promise<readonly ServerBackend[]> {
  await registerBackends("all", "fast");
  const states = await probeBackends();
  return backendNames.map((name) => {
    const state = states.find((each) => each.name === name)!;
    return { name, available: state.available, ...(state.available ? {} : { reason: `${state.reason} ${state.remedy}` }) };
  });
}

/** `/`, what there is to train on and how much of it is taken; and `/train`. */
export function raceRoutes(): Hono {
  let running = 0;
  let backends: Promise<readonly ServerBackend[]> | undefined;
  const routes = new Hono();
  routes.get("/", async (context) =>
    context.json({ backends: await (backends ??= serverBackends()), running, mostRuns } satisfies ServerState),
  );
  routes.post(
    "/train",
    bodyLimit({ maxSize: mostBytes, onError: (context) => context.text(`A request has at most ${mostBytes} bytes.\n`, 413) }),
    async (context) => {
      if (context.req.header("content-type")?.split(";")[0] !== "application/json")
        return context.text("A training is asked for in JSON, with the content type application/json.\n", 415);
      let asked: ReturnType<typeof parseRequest>;
      try {
        asked = parseRequest(await context.req.json());
      } catch (error) {
        return context.text(`${error instanceof ErmineError ? error.message : "The request is no JSON."}\n`, 400);
      }
      if (running >= mostRuns) {
        return context.text(
          `${mostRuns} trainings run on this server already, in this page or another one. Stop one, or wait for its end.\n`,
          429,
        );
      }
      running++;
      return streamSSE(context, async (stream) => {
        const left = new AbortController();
        stream.onAbort(() => left.abort("the page has left"));
        const tell = (message: TrainingMessage): Promise<void> => stream.writeSSE({ data: JSON.stringify(message) });
        try {
          const { finished } = trainInWorker<typeof train>(() => new Worker(new URL("./raceWorker.js", import.meta.url)), {
            input: asked,
            signal: left.signal,
            onMessage: (message) => void tell(message as TrainingMessage),
          });
          await tell({ type: "ended", reason: await finished });
        } catch (error) {
          await tell({ type: "failed", message: (error as Error).message });
        } finally {
          running--;
        }
      });
    },
  );
  return routes;
}
