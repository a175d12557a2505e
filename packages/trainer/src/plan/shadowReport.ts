/** Options and report of a shadow run. */
import type { Backend } from "@ermine/core";

/** A second backend that checks the first during `fit`. */
export interface ShadowOptions {
  /** A backend, or the name of a registered one, which is created for this and disposed after. */
  readonly backend: Backend | string;
  /** Check each update whose number this divides. Default 100. */
  readonly every?: number;
  /** Tolerated difference, relative to the largest value. Default 1e-3. */
  readonly tolerance?: number;
}

/** A difference between two backends. */
export interface ShadowFinding {
  /** The update at which the backends differed. */
  readonly step: number;
  /** The op that gave different numbers for the same inputs; undefined where a compiled step differs from its own ops. */
  readonly op: string | undefined;
  /** The path of the layer whose op differed. */
  readonly layer: string;
  /** The largest difference, relative to the largest number. */
  readonly error: number;
  /** The finding as a sentence. */
  readonly message: string;
}

/** Report of a shadow backend. */
export interface ShadowReport {
  /** The second backend's name. */
  readonly backend: string;
  /** Number of updates that ran on both backends. */
  readonly checked: number;
  /** Differences between the backends; empty if there are none. */
  readonly findings: readonly ShadowFinding[];
}
