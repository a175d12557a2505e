/** A convolution as both of its kernels take it: the taps of convolution.ts and the tiles of winograd.ts. */
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

/** How planes are laid out. */
export interface Staging {
  readonly size: Axes;
  readonly stride: Axes;
  /** The place of the first number: padding before it, or less than 0 where the first are left out. */
  readonly before: Axes;
  /** Places from row to row and so on, in steps of the stride. */
  readonly rows: Axes;
}

/** One of the kernel's numbers. */
export interface Tap {
  /** Its number in the kernel. */
  readonly index: number;
  /** Which remainder of the stride, and how far in the run. */
  readonly phase: number;
  readonly reach: number;
}

/** Emits the convolution's work, which consists of `count` units, as few parts. */
export const cut = (e: Emitter, c: Convolution, count: number, emit: (from: number, to: number) => void): void =>
  inParts(e, c.images * c.groups * c.out * c.channels * sizeOf(c.kernel) * sizeOf(c.counts), count, emit);

/** What a pass over staged planes computes, and where. */
export interface Pass {
  readonly y: number;
  readonly x: number;
  readonly weight: number;
  readonly bias: number;
  /** 8, the last place of a 3 × 3 kernel, on the way from y to x: rows of the weight are its channels, and the kernel is turned round. Else 0. */
  readonly turned: 0 | 8;
  readonly staging: Staging;
  readonly counts: Axes;
  /** Where the result's numbers go: the first, and every how many-th along the axes. */
  readonly first: Axes;
  readonly every: Axes;
  readonly taps: readonly Tap[];
}
