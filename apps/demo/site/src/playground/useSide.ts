/** A side of the playground as a page sees it: a worker that trains, and what it said last. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { colourParts, useThemeVersion } from "../design/colours.js";
import { downloadFile } from "../design/download.js";
import type { CanvasName, FromWorker, ToWorker } from "./messages.js";
import type { Settings } from "./settings.js";

/** What was seen of the run last. */
export type Frame = Extract<FromWorker, { type: "frame" }>;

export interface Side {
  readonly frame: Frame | undefined;
  /** Why there is nothing to see. */
  readonly failure: string | undefined;
  send(message: ToWorker): void;
  /** The ref of a canvas, which the worker draws from then on. */
  canvas(name: CanvasName): (element: HTMLCanvasElement | null) => void;
}

/** Sharper than the screen is of no use, and larger pictures take longer. */
const mostPixels = 1400;

function observeSize(element: HTMLCanvasElement, tell: (width: number, height: number) => void): void {
  const measure = (): void => {
    const { width, height } = element.getBoundingClientRect();
    if (width === 0 || height === 0) return;
    const ratio = Math.min(devicePixelRatio, mostPixels / Math.max(width, height));
    tell(Math.round(width * ratio), Math.round(height * ratio));
  };
  measure();
  new ResizeObserver(measure).observe(element);
}

const currentPalette = () => ({
  paper: colourParts("surface"),
  ink: colourParts("ink"),
  line: colourParts("line"),
  muted: colourParts("field"),
  positive: colourParts("positive"),
  negative: colourParts("negative"),
  classes: [colourParts("class-0"), colourParts("class-1"), colourParts("class-2")],
});

export function useSide(settings: Settings): Side {
  const [frame, setFrame] = useState<Frame>();
  const [failure, setFailure] = useState<string>();
  const worker = useRef<Worker | undefined>(undefined);
  const generation = useRef(0);
  const canvases = useRef(new Set<HTMLCanvasElement>());
  const theme = useThemeVersion();

  const start = useCallback((): Worker => {
    if (worker.current !== undefined) return worker.current;
    const started = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    started.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "saved") downloadFile("playground.onnx", data.file as BlobPart);
      else if (data.type === "failed") {
        if (data.generation === generation.current || data.generation === -1) setFailure(data.message);
      } else if (data.generation === generation.current) {
        setFailure(undefined);
        setFrame(data);
      }
    };
    started.onerror = ({ message }) =>
      setFailure(`The worker that trains could not go on: ${message || "its script did not load"}.`);
    worker.current = started;
    return started;
  }, []);

  const send = useCallback(
    (message: ToWorker, transfer: Transferable[] = []): void => start().postMessage(message, transfer),
    [],
  );

  useEffect(() => () => worker.current?.terminate(), []);
  useEffect(() => send({ type: "palette", palette: currentPalette() }), [theme]);
  useEffect(() => {
    generation.current++;
    send({ type: "settings", settings, generation: generation.current });
  }, [settings]);

  const canvas = useCallback(
    (name: CanvasName) => (element: HTMLCanvasElement | null) => {
      if (element === null || canvases.current.has(element)) return;
      canvases.current.add(element);
      const offscreen = element.transferControlToOffscreen();
      send({ type: "canvas", name, canvas: offscreen }, [offscreen]);
      observeSize(element, (width, height) => send({ type: "size", name, width, height }));
    },
    [],
  );
  return { frame, failure, send, canvas };
}
