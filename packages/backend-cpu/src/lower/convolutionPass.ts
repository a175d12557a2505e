/** A convolution as all of its kernels take it. */
import type { Emitter } from "../emitter.js";
import { sizeOf } from "./operand.js";
import { inParts } from "./split.js";

/** Depth, height, width. */
export type Axes = readonly number[];

/** A convolution over three axes; those that are not there have size and kernel 1. */
export interface Convolution {
  readonly images: number;
  readonly groups: number;
  /** Channels of x and of y in a group. */
  readonly channels: number;
  readonly out: number;
  readonly size: Axes;
  readonly kernel: Axes;
  readonly counts: Axes;
  readonly stride: Axes;
  readonly before: Axes;
  readonly after: Axes;
  readonly dilation: Axes;
}

/** One of the kernel's elements. */
export interface Tap {
  /** Its place in the kernel. */
  readonly index: number;
  /** Which remainder of the stride it meets, and how many steps of the stride from the first position. */
  readonly remainder: Axes;
  readonly from: Axes;
}

/** Emits the convolution's work, which consists of `count` units, as few parts. */
export const cut = (e: Emitter, c: Convolution, count: number, emit: (from: number, to: number) => void): void =>
  inParts(e, workOf(c), count, emit);

/** Multiply-adds. */
export const workOf = (c: Convolution): number => c.images * c.groups * c.out * c.channels * sizeOf(c.kernel) * sizeOf(c.counts);

/** Results at some remainder of the step between them, and the taps that lead to them. */
export interface Phase {
  /** The first result along each axis, and how many there are. */
  readonly first: Axes;
  readonly counts: Axes;
  readonly taps: readonly Tap[];
}

/** The computed elements, and their place. */
export interface Pass {
  readonly y: number;
  readonly x: number;
  readonly weight: number;
  readonly bias: number;
  /** 8, the last place of a 3 × 3 kernel, on the way from y to x: rows of the weight are its channels, and the kernel is turned round. Else 0. */
  readonly turned: 0 | 8;
  /** Of what is read. */
  readonly size: Axes;
  readonly stride: Axes;
  readonly before: Axes;
  readonly after: Axes;
  /** Positions: as many as the phase that has the most. */
  readonly counts: Axes;
  /** Of what is written, and the steps between a phase's results. */
  readonly sizeOut: Axes;
  readonly every: Axes;
  /** The last axis fastest. */
  readonly phases: readonly Phase[];
}
