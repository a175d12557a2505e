/** How each op of core's is written. What is in none of the lists is written as what it decomposes to. */
import type { Op } from "@ermine/core/define";
import { activations } from "./activation.js";
import type { Writer } from "./call.js";
import { elementwise, elementwiseBodies } from "./elementwise.js";
import { movement } from "./movement.js";
import { reduction } from "./reduction.js";
import { windowBodies, windows } from "./window.js";

export type { Call, Writer } from "./call.js";

/** By operators of ONNX's own. */
export const operators: ReadonlyMap<Op, Writer> = new Map([
  ...elementwise,
  ...movement,
  ...reduction,
  ...windows,
  ...activations,
]);

/** By a model-local function with this body. */
export const bodies: ReadonlyMap<Op, Writer> = new Map([...elementwiseBodies, ...windowBodies]);
