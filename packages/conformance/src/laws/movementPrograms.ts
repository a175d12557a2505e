/** Calls of ops that move elements and make shapes. */
import * as e from "@ermine/core";
import { program } from "./program.js";

export const movementPrograms = [
  program(
    "reshape",
    (n, d) => [d.real([2, n, 3])],
    (x) => e.reshape(x!, [-1, 2]),
  ),
  program(
    "transpose",
    (n, d) => [d.real([n, 3])],
    (x) => e.transpose(x!),
  ),
  program(
    "permute",
    (n, d) => [d.real([2, n, 3])],
    (x) => e.permute(x!, [1, 2, 0]),
  ),
  program(
    "broadcastTo",
    (n, d) => [d.real([n, 1])],
    (x) => e.broadcastTo(x!, [2, x!.shape[0]!, 3]),
  ),
  program(
    "flip",
    (n, d) => [d.real([n, 3])],
    (x) => e.flip(x!, [0, 1]),
  ),
  program(
    "tile",
    (n, d) => [d.real([n, 2])],
    (x) => e.tile(x!, [2, 3]),
  ),
  program(
    "pad",
    (n, d) => [d.real([n, 3])],
    (x) =>
      e.pad(x!, [
        [1, 0],
        [0, 2],
      ]),
  ),
  program(
    "concat, split",
    (n, d) => [d.real([n, 3]), d.real([n, 2])],
    (a, b) => e.split(e.concat([a!, b!], 1), [1, 4], 1),
  ),
  program(
    "stack",
    (n, d) => [d.real([n]), d.real([n])],
    (a, b) => e.stack([a!, b!], 1),
  ),
  program(
    "at, steps",
    (n, d) => [d.real([n, 5])],
    (x) => [e.at(x!, { step: -2 }, { start: 1, step: 3 }), e.at(x!, "...", null, -1)],
  ),
  program(
    "at, arrays and masks",
    (n, d) => [d.real([n, 3])],
    (x) => [e.at(x!, {}, [2, 0, -1]), e.at(x!, {}, [true, false, true])],
  ),
];
