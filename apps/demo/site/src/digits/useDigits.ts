/** The worker of the digits as the page sees it. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { missingSupport } from "../design/support.js";
import type { Choices, FromWorker, Report, ToWorker } from "./messages.js";

export interface Training {
  /** What it runs on, once the digits are there. */
  readonly engine: string | undefined;
  readonly running: boolean;
  readonly losses: readonly { readonly seconds: number; readonly loss: number }[];
  readonly stepsPerSecond: number;
  readonly reports: readonly Report[];
  readonly answer: { readonly logits: readonly number[]; readonly probabilities: readonly number[] } | undefined;
  readonly failure: string | undefined;
}

const before: Training = {
  engine: undefined,
  running: false,
  losses: [],
  stepsPerSecond: 0,
  reports: [],
  answer: undefined,
  failure: undefined,
};

function after(training: Training, message: FromWorker): Training {
  switch (message.type) {
    case "ready":
      return { ...training, engine: message.engine };
    case "steps":
      return { ...training, losses: [...training.losses, ...message.losses], stepsPerSecond: message.stepsPerSecond };
    case "report":
      return { ...training, reports: [...training.reports, message.report] };
    case "ended":
      return { ...training, running: false };
    case "answer":
      return { ...training, answer: message };
    case "failed":
      return { ...training, running: false, failure: message.message };
  }
}

export function useDigits(): Training & {
  train(choices: Choices): void;
  stop(): void;
  read(pixels: Float32Array | undefined): void;
} {
  const [training, setTraining] = useState<Training>({ ...before, failure: missingSupport() });
  const worker = useRef<Worker | undefined>(undefined);
  useEffect(() => {
    if (missingSupport() !== undefined) return undefined;
    const made = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.current = made;
    made.onmessage = ({ data }: MessageEvent<FromWorker>) => setTraining((now) => after(now, data));
    made.onerror = ({ message }) =>
      setTraining((now) => ({
        ...now,
        running: false,
        failure: `The worker that trains could not go on: ${message || "its script did not load"}.`,
      }));
    return () => made.terminate();
  }, []);
  const send = useCallback((message: ToWorker): void => worker.current?.postMessage(message), []);
  return {
    ...training,
    train(choices) {
      setTraining(({ engine }) => ({ ...before, engine, running: true }));
      send({ type: "train", choices });
    },
    stop: () => send({ type: "stop" }),
    read(pixels) {
      if (pixels === undefined) setTraining((now) => ({ ...now, answer: undefined }));
      else send({ type: "read", pixels });
    },
  };
}
