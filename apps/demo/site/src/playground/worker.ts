/** The worker of a side: trains, looks at the network between two updates, and draws. */
import { cpu, type CpuBackend } from "@ermine/backend-cpu";
import { ErmineError, useBackend, zeros } from "@ermine/core";
import { drawAnswer, drawNetwork, type Palette } from "./draw.js";
import { findingsOf } from "./findings.js";
import { inspect, picture } from "./inspect.js";
import type { CanvasName, FromWorker, ToWorker } from "./messages.js";
import { Pace } from "./pace.js";
import { Run } from "./run.js";
import type { Settings } from "./settings.js";

/** The least milliseconds between two frames while a run goes on. */
const frameInterval = 40;

/** A run that goes on is trained for at least this many times as long as it is looked at. */
const patience = 4;

const post = (message: FromWorker, transfer: Transferable[] = []): void =>
  (globalThis as unknown as DedicatedWorkerGlobalScope).postMessage(message, transfer);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

class Side {
  readonly #backend: CpuBackend;
  /** Of each canvas its context, which is asked for once: Firefox refuses a second time in a worker. */
  readonly #contexts = new Map<CanvasName, OffscreenCanvasRenderingContext2D>();
  #palette: Palette | undefined;
  #run: Run | undefined;
  #pace = new Pace();
  #generation = 0;
  #failure: { code: string; message: string } | undefined;
  /** When the next frame is due. */
  #due = 0;

  constructor(backend: CpuBackend) {
    this.#backend = backend;
  }

  canvas(name: CanvasName, canvas: OffscreenCanvas): void {
    this.#contexts.set(name, canvas.getContext("2d")!);
    this.#draw();
  }

  size(name: CanvasName, width: number, height: number): void {
    const canvas = this.#contexts.get(name)?.canvas;
    if (canvas === undefined || (canvas.width === width && canvas.height === height)) return;
    Object.assign(canvas, { width, height });
    this.#draw();
  }

  palette(palette: Palette): void {
    this.#palette = palette;
    this.#draw();
  }

  /** The run that was goes; a new one begins where it has not been advanced yet. */
  async begin(settings: Settings, generation: number): Promise<void> {
    const previous = this.#run;
    this.#run = undefined;
    this.#generation = generation;
    this.#failure = undefined;
    this.#pace.end();
    const pace = (this.#pace = new Pace());
    await previous?.stop();
    if (generation !== this.#generation) return;
    try {
      this.#run = new Run(settings, this.#backend);
    } catch (error) {
      post({ type: "failed", generation, message: messageOf(error) });
      return;
    }
    this.#frame();
    const run = this.#run;
    pace.onTurn = () => this.#turn();
    void run
      .start(() => pace.gate())
      .then(
        () => pace.pause(),
        (error: unknown) => {
          if (this.#run !== run) return;
          this.#failure = { code: error instanceof ErmineError ? error.code : "", message: messageOf(error) };
          pace.end();
          this.#frame();
        },
      );
  }

  play(updatesPerSecond: number | null): void {
    if (this.#failure === undefined) this.#pace.play(updatesPerSecond ?? Infinity);
    this.#frame();
  }

  pause(): void {
    this.#pace.pause();
    this.#frame();
  }

  advance(updates: number): void {
    this.#pace.advance(updates);
  }

  async save(): Promise<void> {
    if (this.#run === undefined) return;
    const { training, network } = this.#run;
    const { saveModel } = await import("@ermine/onnx");
    const file = await saveModel(network.model, {
      sample: zeros([1, training.task === "classes" ? 2 : 1]),
      name: "ermine playground",
      ...(training.task === "classes" && this.#run.loss.target === "indices" && network.head === undefined
        ? { link: "softmax" as const }
        : {}),
    });
    post({ type: "saved", file }, [file.buffer]);
  }

  /** While it runs, many times a second. */
  #turn(): void {
    if (performance.now() >= this.#due || !this.#pace.isRunning) this.#frame();
  }

  #frame(): void {
    if (this.#run === undefined) return;
    const began = performance.now();
    const { settings, curve, training } = this.#run;
    const inspection = inspect(this.#run);
    const findings = findingsOf({ settings, classes: training.classes, inspection, curve, failure: this.#failure });
    const { speed, isRunning } = this.#pace;
    post({ type: "frame", generation: this.#generation, inspection, curve, findings, speed, running: isRunning });
    this.#draw();
    const now = performance.now();
    this.#due = now + Math.max(frameInterval, patience * (now - began));
  }

  #draw(): void {
    if (this.#run === undefined || this.#palette === undefined) return;
    const [answer, network] = [this.#contexts.get("answer"), this.#contexts.get("network")];
    const shown = picture(this.#run);
    if (answer !== undefined) drawAnswer(answer, shown, this.#run.training, this.#run.validation, this.#palette);
    if (network !== undefined) drawNetwork(network, shown, this.#palette);
  }
}

const engine = cpu({ numerics: "portable", threads: 1 }).then((backend) => {
  useBackend(backend);
  return new Side(backend);
});

async function handle(message: ToWorker): Promise<void> {
  const side = await engine;
  switch (message.type) {
    case "canvas":
      return side.canvas(message.name, message.canvas);
    case "size":
      return side.size(message.name, message.width, message.height);
    case "palette":
      return side.palette(message.palette);
    case "settings":
      return side.begin(message.settings, message.generation);
    case "play":
      return side.play(message.updatesPerSecond);
    case "pause":
      return side.pause();
    case "advance":
      return side.advance(message.updates);
    case "save":
      return side.save();
  }
}

addEventListener("message", ({ data }: MessageEvent<ToWorker>) => {
  handle(data).catch((error: unknown) => {
    post({ type: "failed", generation: data.type === "settings" ? data.generation : -1, message: messageOf(error) });
  });
});
