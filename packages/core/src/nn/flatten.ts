/** Axes joined into one. */
import { flatten } from "../ops/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { Module } from "./module.js";

/** Joins the axes from `startAxis` (default 1, behind the batch) to `endAxis` (default −1). */
export class Flatten extends Module {
  readonly startAxis: number;
  readonly endAxis: number;

  constructor(startAxis = 1, endAxis = -1) {
    super();
    this.startAxis = startAxis;
    this.endAxis = endAxis;
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.startAxis, this.endAxis);
  }
}
