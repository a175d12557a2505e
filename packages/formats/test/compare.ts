/** Every mutated file: read or refused by an ErmineError, and never read where safetensors refuses. */
import { ErmineError } from "@ermine/core";
import { readSafetensors } from "../src/index.js";
import { mutant } from "./verdicts.js";

export interface Comparison {
  readonly read: number;
  readonly refused: number;
  /** Refused here, taken by safetensors: the reasons, without names and numbers. */
  readonly stricter: ReadonlyMap<string, number>;
  /** What must not be: read and refused by safetensors, or another error. */
  readonly wrong: readonly string[];
}

/** The reasons for which ermine refuses what safetensors takes. */
export const stricterReasons = [
  /it does not begin with '\{'/,
  /a tensor .* twice/,
  /has .*, and a tensor has dtype, shape and data_offsets, each once/,
  /__metadata__ has .* twice/,
  /it has __metadata__ twice/,
  /a size above 2⁵³ is not read/,
  /more than 64 axes: no more are read/,
  /more than 100000 texts: no more are read/,
  // ["F32",[2],[0,8]], which serde reads as the fields in order.
  /where '\{' belongs/,
];

export function compare(from: number, count: number, isTaken: (seed: number) => boolean): Comparison {
  const stricter = new Map<string, number>();
  const wrong: string[] = [];
  let [read, refused] = [0, 0];
  for (let seed = from; seed < from + count; seed++) {
    const taken = isTaken(seed);
    try {
      for (const tensor of readSafetensors(mutant(seed)).tensors.values()) if (tensor.shape.length < 3) tensor.bytes.at(-1);
      read++;
      if (!taken) wrong.push(`seed ${seed} is read, and safetensors refuses it`);
    } catch (error) {
      refused++;
      if (!(error instanceof ErmineError)) wrong.push(`seed ${seed}: ${String(error)}`);
      else if (taken) {
        const reason = stricterReasons.find((pattern) => pattern.test(error.message));
        if (reason === undefined) wrong.push(`seed ${seed} is refused, and safetensors takes it: ${error.message}`);
        else stricter.set(reason.source, (stricter.get(reason.source) ?? 0) + 1);
      }
    }
  }
  return { read, refused, stricter, wrong };
}
