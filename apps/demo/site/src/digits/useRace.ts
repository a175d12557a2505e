/** The trainings on the digits as the page sees them: its own worker, and the server where there is one. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Choices, ServerBackend, TrainingMessage } from "../../../src/race/messages.js";
import { missingSupport } from "../design/support.js";
import { advanced, isRunning, startingLane, type Lane, type LaneName } from "./race.js";
import { hasServer, serverBackends, trainOnServer } from "./server.js";
import type { FromWorker, ToWorker } from "./worker.js";

export interface Race {
  /** What the page's worker runs on, once the digits are there. */
  readonly engine: string | undefined;
  readonly lanes: readonly Lane[];
  /** undefined where no server is there to train on. */
  readonly backends: readonly ServerBackend[] | undefined;
  readonly answer: { readonly logits: readonly number[]; readonly probabilities: readonly number[] } | undefined;
  /** How often the model that reads drawings has changed. */
  readonly models: number;
  readonly failure: string | undefined;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export function useRace(): Race & {
  start(choices: Choices, lanes: readonly LaneName[]): void;
  stop(): void;
  read(pixels: Float32Array | undefined): void;
} {
  const [race, setRace] = useState<Race>({
    engine: undefined,
    lanes: [],
    backends: undefined,
    answer: undefined,
    models: 0,
    failure: missingSupport(),
  });
  const worker = useRef<Worker | undefined>(undefined);
  const left = useRef(new AbortController());

  const tell = useCallback((name: LaneName, message: TrainingMessage): void => {
    setRace((now) => ({
      ...now,
      lanes: now.lanes.map((lane) => (lane.name === name ? advanced(lane, message) : lane)),
      models: message.type === "report" && name === "page" ? now.models + 1 : now.models,
    }));
  }, []);
  const send = useCallback((message: ToWorker): void => worker.current?.postMessage(message), []);

  useEffect(() => {
    if (missingSupport() !== undefined) return undefined;
    const started = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.current = started;
    const fail = (failure: string): void =>
      setRace((now) => ({
        ...now,
        failure,
        lanes: now.lanes.map((lane) => (lane.name === "page" ? { ...lane, state: "failed" } : lane)),
      }));
    started.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "ready") setRace((now) => ({ ...now, engine: data.engine }));
      else if (data.type === "answer") setRace((now) => ({ ...now, answer: data }));
      else if (data.type === "broken") fail(data.message);
      else tell("page", data);
    };
    started.onerror = ({ message }) => fail(`The worker that trains could not go on: ${message || "its script did not load"}.`);
    return () => started.terminate();
  }, []);
  useEffect(() => {
    if (!hasServer()) return;
    serverBackends()
      .then((backends) => setRace((now) => ({ ...now, backends })))
      .catch((error: unknown) => setRace((now) => ({ ...now, failure: messageOf(error) })));
  }, []);
  // Requests end with the page anyway; a page that is kept for "back" would hold them.
  useEffect(() => {
    const leave = (): void => left.current.abort();
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      leave();
    };
  }, []);

  const onServer = async (
    name: Exclude<LaneName, "page">,
    choices: Choices,
    { signal, reads }: { signal: AbortSignal; reads: boolean },
  ): Promise<void> => {
    try {
      await trainOnServer(name, choices, {
        signal,
        tell(message) {
          if (signal.aborted) return;
          tell(name, message);
          if (message.type !== "weights" || !reads) return;
          send({ type: "load", choices: message.choices, weights: message.weights });
          setRace((now) => ({ ...now, models: now.models + 1 }));
        },
      });
    } catch (error) {
      if (signal.aborted) return;
      tell(name, { type: "failed", message: messageOf(error) });
    }
  };

  return {
    ...race,
    start(choices, names) {
      left.current.abort();
      left.current = new AbortController();
      const { signal } = left.current;
      setRace((now) => ({ ...now, lanes: names.map(startingLane), failure: undefined }));
      if (names.includes("page")) send({ type: "train", choices });
      // Drawings are read by the first lane's model.
      for (const name of names) if (name !== "page") void onServer(name, choices, { signal, reads: name === names[0] });
    },
    stop() {
      left.current.abort();
      send({ type: "stop" });
      setRace((now) => ({
        ...now,
        lanes: now.lanes.map((lane) => (isRunning(lane) && lane.name !== "page" ? { ...lane, state: "stopped" } : lane)),
      }));
    },
    read(pixels) {
      if (pixels === undefined) setRace((now) => ({ ...now, answer: undefined }));
      else send({ type: "read", pixels });
    },
  };
}
