/** What the page and the worker of a run tell each other. */
import type { Palette } from "./draw.js";
import type { Finding } from "./findings.js";
import type { Inspection } from "./inspect.js";
import type { CurvePoint } from "./run.js";
import type { Settings } from "./settings.js";

/** Canvases of a side: the answer over the picture, and the network. */
export type CanvasName = "answer" | "network";

export type ToWorker =
  | { readonly type: "canvas"; readonly name: CanvasName; readonly canvas: OffscreenCanvas }
  | { readonly type: "size"; readonly name: CanvasName; readonly width: number; readonly height: number }
  | { readonly type: "palette"; readonly palette: Palette }
  /** A new run with these settings, at update 0. */
  | { readonly type: "settings"; readonly settings: Settings; readonly generation: number }
  /** Goes on by itself, this many updates a second; null: as many as there can be. */
  | { readonly type: "play"; readonly updatesPerSecond: number | null }
  | { readonly type: "pause" }
  | { readonly type: "advance"; readonly updates: number }
  | { readonly type: "save" };

export type FromWorker =
  | {
      readonly type: "frame";
      readonly generation: number;
      readonly inspection: Inspection;
      readonly curve: readonly CurvePoint[];
      readonly findings: readonly Finding[];
      /** Updates a second over the last second; 0 while it pauses. */
      readonly speed: number;
      readonly running: boolean;
    }
  /** The worker's engine cannot start, or a run cannot begin. */
  | { readonly type: "failed"; readonly generation: number; readonly message: string }
  | { readonly type: "saved"; readonly file: Uint8Array };
