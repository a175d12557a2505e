/** Which dtypes an input of an op or a loss takes, and what becomes of each: it passes, is cast exactly, or is refused. */
import type { TensorType } from "../types/storage.js";
import { ErmineError } from "../types/errors.js";
import { formatShape } from "../types/dim.js";
import { isDType, promote, type DType } from "../types/dtype.js";
import type { Tensor } from "../types/tensor.js";

/**
 * - "any": every dtype, as it is;
 * - "float32", "int32" (indices), "bool" (masks): this one, any other is refused;
 * - "numeric": float32 or int32;
 * - "value": float32; int32 and bool are cast to it, each element the same number;
 * - a record: for each dtype that is taken the one that it is cast to;
 * - `{ sameAs }`: the dtype of an earlier input, by name; a narrower one (bool < int32 < float32) is cast to it.
 */
export type InputDType =
  | keyof typeof conversions
  | Conversion
  | {
      /** The name of the input whose dtype it must have. */
      readonly sameAs: string;
    };

type Conversion = Readonly<Partial<Record<DType, DType>>>;

const conversions = {
  any: { float32: "float32", int32: "int32", bool: "bool" },
  float32: { float32: "float32" },
  int32: { int32: "int32" },
  bool: { bool: "bool" },
  numeric: { float32: "float32", int32: "int32" },
  value: { float32: "float32", int32: "float32", bool: "float32" },
} as const satisfies Readonly<Record<string, Conversion>>;

/** An input, as far as its dtype goes. */
export interface Input {
  readonly name: string;
  /** Default "any". */
  readonly dtype?: InputDType;
}

type Types = readonly (Pick<TensorType, "dtype"> | undefined)[];

/** The inputs' list may end in one that stands for any number. */
const inputAt = (inputs: readonly Input[], i: number): Input => inputs[i < inputs.length ? i : inputs.length - 1]!;

/** The dtype that the i-th input is computed in; undefined: it is refused. */
function wantedDType(inputs: readonly Input[], types: Types, i: number): DType | undefined {
  const { dtype = "any" } = inputAt(inputs, i);
  const dtypeGiven = types[i]!.dtype;
  if (typeof dtype === "string") return (conversions[dtype] as Conversion)[dtypeGiven];
  if (!("sameAs" in dtype)) return dtype[dtypeGiven];
  const like = types[inputs.findIndex(({ name }) => name === dtype.sameAs)]!.dtype;
  return dtypeGiven === like || (isDType(dtypeGiven) && promote(dtypeGiven, like) === like) ? like : undefined;
}

/** Do the types need no cast? */
export const conforms = (inputs: readonly Input[], types: Types): boolean =>
  types.every((type, i) => type === undefined || wantedDType(inputs, types, i) === type.dtype);

/**
 * The dtype that the i-th input is computed in.
 *
 * @throws ErmineError ERMINE_DTYPE where the input does not take the dtype that it is given
 */
export function computedDType(
  where: string,
  inputs: readonly Input[],
  tensors: readonly (Tensor | undefined)[],
  i: number,
): DType {
  return wantedDType(inputs, tensors, i) ?? refuseDType(where, inputs, tensors, i);
}

function refuseDType(where: string, inputs: readonly Input[], tensors: readonly (Tensor | undefined)[], i: number): never {
  const { name, dtype = "any" } = inputAt(inputs, i);
  const { dtype: dtypeGiven, shape } = tensors[i]!;
  const accepted =
    typeof dtype === "object" && "sameAs" in dtype
      ? [tensors[inputs.findIndex((input) => input.name === dtype.sameAs)]!.dtype]
      : Object.keys(typeof dtype === "string" ? conversions[dtype] : dtype);
  const asWhat = typeof dtype === "object" && "sameAs" in dtype ? `, as ${dtype.sameAs}` : "";
  throw new ErmineError(
    "ERMINE_DTYPE",
    `${where} takes ${accepted.join(" or ")}${asWhat} for ${name}, got ${String(dtypeGiven)}${formatShape(shape)}. Use cast(${name}, "${accepted[0]!}").`,
  );
}
