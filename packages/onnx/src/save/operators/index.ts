/** How each op of core's is written. What is in none of the lists is written as what it decomposes to. */
import type { Op } from "@ermine/core/define";
import { activations } from "./activation.js";
import type { Writer } from "./call.js";
import { elementwise, elementwiseBodies } from "./elementwise.js";
import { movement } from "./movement.js";
import { reduction } from "./reduction.js";
import { windowBodies, windows } from "./window.js";

export type { Call, Writer } from "./call.js";

let operatorsByOp: ReadonlyMap<Op, Writer> | undefined;
let bodiesByOp: ReadonlyMap<Op, Writer> | undefined;

// Made when they are asked for, so that whoever bundles a program that saves nothing drops them.
/** By operators of ONNX's own. */
export const operators = (): ReadonlyMap<Op, Writer> =>
  (operatorsByOp ??= new Map([...elementwise(), ...movement(), ...reduction(), ...windows(), ...activations()]));

/** By a model-local function with this body. */
export const bodies = (): ReadonlyMap<Op, Writer> => (bodiesByOp ??= new Map([...elementwiseBodies(), ...windowBodies()]));
