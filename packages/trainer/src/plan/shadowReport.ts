/** What a shadow run is asked, and what it says. */
import type { Backend } from "@ermine/core";

/** A second backend that checks the first during `fit`. */
export interface ShadowOptions {
  /** A backend, or the name of a registered one, which is created for this and disposed after. */
  readonly backend: Backend | string;
  /** Check each update whose number this divides. Default 100. */
  readonly every?: number;
  /** How far numbers may be apart, relative to the largest. Default 1e-3. */
  readonly tolerance?: number;
}

/** Where two backends disagree. */
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

/** What a second backend found. */
export interface ShadowReport {
  /** The second backend's name. */
  readonly backend: string;
  /** How many updates were taken on both. */
  readonly checked: number;
  /** Where the two differed; empty where they agreed. */
  readonly findings: readonly ShadowFinding[];
}
