/** safetensors, read: checked as a whole, with no copy where the elements are aligned. */
import { checkArguments } from "@ermine/core/define";
import type { HostTensor, StateDict } from "@ermine/core/nn";
import { bytesOf, type Bytes, type ElementArray } from "../bytes.js";
import { asHeld } from "../hostTensor.js";
import { elementsIn, type SafetensorsDType } from "./dtypes.js";
import { headerOf, type SafetensorsEntry, type SafetensorsReadOptions } from "./header.js";
import { quoted } from "./scanner.js";

/** A tensor of a file. */
export class SafetensorsTensor {
  /** The tensor's name in the file. */
  readonly name: string;
  /** As the file calls it: "F32", "BF16", "I64", … */
  readonly dtype: SafetensorsDType;
  /** Sizes; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** The file's data, in which its bytes are from `#begin` to `#end`. */
  readonly #data: Uint8Array;
  readonly #begin: number;
  readonly #end: number;

  /** @internal */
  constructor(name: string, { dtype, shape, begin, end }: SafetensorsEntry, data: Uint8Array) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.#data = data;
    this.#begin = begin;
    this.#end = end;
  }

  /** Its bytes in the file's memory, little-endian. */
  get bytes(): Uint8Array {
    return this.#data.subarray(this.#begin, this.#end);
  }

  /**
   * The elements, row-major: a view of the file's memory where it is aligned to them, else a copy. F16 and BF16 come as a Float32Array, I64 and U64 as
   * BigInt64Array and BigUint64Array, BOOL as bytes.
   *
   * @throws ErmineError ERMINE_UNSUPPORTED for floats of 8 bits and fewer, and complex numbers
   */
  elements(): ElementArray {
    return elementsIn(quoted(this.name), this.dtype, this.bytes);
  }

  /**
   * As ermine holds it: floats are float32 (F64 keeps its digits in a Float64Array, which a variable rounds), integers int32, BOOL bool.
   *
   * @throws ErmineError ERMINE_DTYPE where an integer is no int32, ERMINE_UNSUPPORTED as `elements`
   */
  toHostTensor(): HostTensor {
    return { shape: this.shape, ...asHeld(quoted(this.name), this.dtype === "BOOL", this.elements()) };
  }
}

/** What a safetensors file holds. */
export class Safetensors {
  /** By name, in the order of their data. */
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  /** The texts of `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;

  constructor(tensors: ReadonlyMap<string, SafetensorsTensor>, metadata: ReadonlyMap<string, string>) {
    this.tensors = tensors;
    this.metadata = metadata;
  }

  /**
   * All tensors as `Module.loadStateDict` takes them; with its `rename` and `strict`, what PyTorch saved fits by name.
   *
   * @throws ErmineError ERMINE_DTYPE, ERMINE_UNSUPPORTED: see `SafetensorsTensor.toHostTensor`
   *
   * @example
   * model.loadStateDict(readSafetensors(await readFile("model.safetensors")).stateDict());
   */
  stateDict(): StateDict {
    // Without a prototype: a name may be "__proto__".
    const state = Object.create(null) as StateDict;
    for (const [name, tensor] of this.tensors) state[name] = tensor.toHostTensor();
    return state;
  }
}

/**
 * Reads a safetensors file. The same verdict as the format's own implementation on every file, or stricter: a name twice, a field that no tensor has,
 * space before the header, more than 64 axes and more than 100,000 texts of `__metadata__` are refused.
 *
 * @param bytes the whole file; tensors are views of it
 * @throws ErmineError ERMINE_DATA that says what is wrong with the file; ERMINE_USAGE where it is no bytes; ERMINE_OPTION
 *
 * @example
 * const { tensors, metadata } = readSafetensors(await readFile("model.safetensors"));
 * tensors.get("fc.weight")?.elements(); // Float32Array
 */
export function readSafetensors(bytes: Bytes, options: SafetensorsReadOptions = {}): Safetensors {
  if (arguments.length > 2) checkArguments("readSafetensors", arguments, 2);
  const file = bytesOf("readSafetensors", bytes);
  const { entries, metadata, dataOffset } = headerOf("readSafetensors", file, file.length, options);
  const data = file.subarray(dataOffset);
  const tensors = new Map<string, SafetensorsTensor>();
  for (const [name, entry] of entries) tensors.set(name, new SafetensorsTensor(name, entry, data));
  return new Safetensors(tensors, metadata);
}
