/** The worker of the text as the page sees it. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { missingSupport } from "../design/support.js";
import type { Candidate, Choices, FromWorker, Point, ToWorker } from "./messages.js";

/** What was written from one beginning. */
export interface Passage {
  /** The model's, when it began. */
  readonly update: number;
  readonly prompt: string;
  readonly text: string;
}

export interface TextState {
  readonly book: Extract<FromWorker, { type: "ready" }> | undefined;
  readonly parameters: number | undefined;
  readonly state: "idle" | "training" | "paused" | "ended";
  readonly points: readonly Point[];
  readonly updatesPerSecond: number;
  readonly passage: Passage | undefined;
  /** Earlier passages that show how far the model was, the newest first. */
  readonly kept: readonly Passage[];
  readonly candidates: readonly Candidate[];
  readonly refusal: string | undefined;
  readonly failure: string | undefined;
}

const before: TextState = {
  book: undefined,
  parameters: undefined,
  state: "idle",
  points: [],
  updatesPerSecond: 0,
  passage: undefined,
  kept: [],
  candidates: [],
  refusal: undefined,
  failure: undefined,
};

/** Of a model that has learned half as much again as that of the last one that was kept; a passage that has hardly begun shows nothing. */
const isWorthKeeping = ({ update, text }: Passage, kept: readonly Passage[]): boolean =>
  text.length > 60 && (kept.length === 0 || update >= Math.max(20, 1.5 * kept[0]!.update));

/** The state after a message. */
export function after(text: TextState, message: FromWorker): TextState {
  switch (message.type) {
    case "ready":
      return { ...text, book: message };
    case "begun":
      return { ...text, parameters: message.parameters };
    case "point":
      return { ...text, points: [...text.points, message.point], updatesPerSecond: message.updatesPerSecond };
    case "passage": {
      const { passage, kept } = text;
      return {
        ...text,
        refusal: undefined,
        passage: { update: message.update, prompt: message.prompt, text: "" },
        kept: passage !== undefined && isWorthKeeping(passage, kept) ? [passage, ...kept] : kept,
      };
    }
    case "written":
      return text.passage === undefined
        ? text
        : {
            ...text,
            passage: { ...text.passage, text: text.passage.text + message.text },
            candidates: message.candidates,
          };
    case "state":
      return { ...text, state: message.state };
    case "refused":
      return { ...text, refusal: message.message };
    case "failed":
      return { ...text, state: "ended", failure: message.message };
  }
}

export function useText(): { readonly text: TextState; train(choices: Choices): void; send(message: ToWorker): void } {
  const [text, setText] = useState<TextState>({ ...before, failure: missingSupport() });
  const worker = useRef<Worker | undefined>(undefined);
  useEffect(() => {
    if (missingSupport() !== undefined) return undefined;
    const started = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.current = started;
    started.onmessage = ({ data }: MessageEvent<FromWorker>) => setText((now) => after(now, data));
    started.onerror = ({ message }) =>
      setText((now) => ({
        ...now,
        state: "ended",
        failure: `The worker that trains could not go on: ${message || "its script did not load"}.`,
      }));
    return () => started.terminate();
  }, []);
  const send = useCallback((message: ToWorker): void => worker.current?.postMessage(message), []);
  return {
    text,
    send,
    train(choices) {
      setText(({ book }) => ({ ...before, book, state: "training" }));
      send({ type: "train", choices });
    },
  };
}
