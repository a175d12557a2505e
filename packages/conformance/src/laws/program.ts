/** A call of ops as people call them, for the laws. */
import type { Tensor } from "@ermine/core";
import type { Draw } from "@ermine/core/define";
import type { Call } from "./call.js";

export type Run = (...inputs: Tensor[]) => Tensor | readonly Tensor[];
export type Inputs = (size: number, draw: Draw) => readonly Tensor[];

export const program = (name: string, inputs: Inputs, run: Run, largest = 1000): Call => ({
  name,
  inputs,
  run: run as Call["run"],
  largest,
  composed: false,
});
