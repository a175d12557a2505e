/** What a contestant is asked to do. Plain JSON, so that contestants in other languages read it too. */
import type { ModelSpec, ParameterSpec, TargetSpec } from "./model.js";

/** One fully specified piece of work that can be repeated. */
export type Task = TrainTask | FitTask | PredictTask | KernelTask | LoaderTask | GanTask;

interface OverModel {
  readonly model: ModelSpec;
  readonly parameters: readonly ParameterSpec[];
  readonly target: TargetSpec;
  readonly batch: number;
  /** How many different batches lie ready; steps go round them. */
  readonly batches: number;
  /** Holds parameters.bin, inputs.bin and targets.bin in the machine's byte order: int32 for indices and classes, else float32. */
  readonly folder: string;
}

/** One training step: forward, loss, backward, AdamW; its loss read. */
export interface TrainTask extends OverModel {
  readonly kind: "train";
}

/** The same through the trainer's `fit`: shuffling, gathering, history, progress bar. */
export interface FitTask extends OverModel {
  readonly kind: "fit";
}

/** The model's output for one batch, on the host. */
export interface PredictTask extends OverModel {
  readonly kind: "predict";
}

/** Batches of an epoch in shuffled order, gathered into the memory that a step is fed from. */
export interface LoaderTask extends OverModel {
  readonly kind: "loader";
}

/** One step of a discriminator, one of a generator, or one of each: a program for each, over the same parameters. */
export interface GanTask {
  readonly kind: "gan";
  readonly part: "discriminator" | "generator" | "both";
  readonly latent: number;
  readonly hidden: number;
  readonly width: number;
  readonly batch: number;
}

export interface KernelTask {
  readonly kind: "kernel";
  readonly kernel: Kernel;
}

export type Kernel =
  | { readonly name: "copy"; readonly length: number }
  | { readonly name: "gemm"; readonly size: number }
  | { readonly name: "activation"; readonly activation: string; readonly backward: boolean; readonly length: number }
  | { readonly name: "mishInOps"; readonly backward: boolean; readonly length: number }
  | { readonly name: "crossEntropyRows"; readonly rows: number; readonly classes: number }
  | { readonly name: "ctc"; readonly steps: number; readonly batch: number; readonly classes: number; readonly labels: number }
  | { readonly name: "adamw"; readonly length: number }
  | {
      readonly name: "conv2d";
      readonly part: "forward" | "forward and backward";
      readonly batch: number;
      readonly channels: readonly [number, number];
      readonly side: number;
    };

/** AdamW as everybody here has it: PyTorch's defaults. */
export const adamwOptions = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01 } as const;

/** What a contestant says when a task is ready. */
export type Ready =
  | {
      /** The library and its version, and what it runs on. */
      readonly engine: string;
      /** Of the first batch, from the given parameters: the loss of the step, without dropout; of a prediction, the first element. */
      readonly value?: number;
      /** Milliseconds from a model and batches that are there to the end of the first step: tracing, compiling, and the step itself. */
      readonly firstStep?: number;
      /** Bytes that the backend holds for the compiled step, and those of its variables, a batch and the values that are alive at once. */
      readonly program?: { readonly held: number; readonly live: number };
      /** Where it does not compute the same thing: what it does instead. */
      readonly differs?: string;
    }
  /** It cannot do this task, and why. */
  | { readonly cannot: string }
  /** It is not there, and how it could be. */
  | { readonly needs: string; readonly remedy: string };

export interface Turn {
  readonly steps: number;
  readonly milliseconds: number;
}

export interface MemoryUse {
  /** Resident set now and at most, and what the backend says that it holds; bytes. */
  readonly resident: number;
  readonly peak: number;
  readonly held?: number;
}

/** One line each way: what a contestant is sent, and it answers `{ "reply": … }`. */
export type Request =
  | { readonly do: "prepare"; readonly task: Task; readonly threads: number }
  | { readonly do: "turn"; readonly milliseconds: number }
  | { readonly do: "steps"; readonly count: number }
  | { readonly do: "memory" };
