/** The server of `demo web`, where the page is on it: what it trains on, and trainings there. */
import { EventSourceParserStream } from "eventsource-parser/stream";
import type { Choices, ServerBackend, ServerState, TrainingMessage } from "../../../src/race/messages.js";

/** Is this page served by `demo web`? A static host is asked for nothing that it does not have. */
export function hasServer(): boolean {
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return navigation?.serverTiming.some(({ name }) => name === "ermine") === true;
}

export async function serverBackends(): Promise<readonly ServerBackend[]> {
  const response = await fetch("./api/digits");
  return ((await response.json()) as ServerState).backends;
}

/**
 * Trains on the server and tells of it, until its end or until the signal is aborted: then the server stops, too.
 *
 * @throws Error with what the server refuses, or where it is gone
 */
export async function trainOnServer(
  backend: ServerBackend["name"],
  choices: Choices,
  { signal, tell }: { signal: AbortSignal; tell(message: TrainingMessage): void },
): Promise<void> {
  const response = await fetch("./api/digits/train", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ backend, choices }),
    signal,
  });
  if (!response.ok || response.body === null) throw new Error((await response.text()).trim());
  const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream()).getReader();
  let hasEnded = false;
  for (let event = await events.read(); !event.done; event = await events.read()) {
    const message = JSON.parse(event.value.data) as TrainingMessage;
    hasEnded ||= message.type === "ended" || message.type === "failed";
    tell(message);
  }
  if (!hasEnded) throw new Error("The server went away before the training's end. Start it again: pnpm demo web.");
}
