/** Bytes as people hand them in, and views of them. */
import { ErmineError } from "@ermine/core";
import { show } from "@ermine/core/define";

/** A file's bytes: a buffer, or a view of a part of one (a Node.js Buffer is one, often of a pool that it shares). */
export type Bytes = ArrayBufferLike | ArrayBufferView;

const isBuffer = (value: unknown): value is ArrayBufferLike =>
  value instanceof ArrayBuffer || (typeof SharedArrayBuffer !== "undefined" && value instanceof SharedArrayBuffer);

/**
 * @param where the function, for the message
 * @throws ErmineError ERMINE_USAGE where they are no bytes
 */
export function bytesOf(where: string, source: Bytes): Uint8Array {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (isBuffer(source)) return new Uint8Array(source);
  // A buffer of another realm (a frame, a test runner's sandbox) is no instance of this one's classes.
  const tag = Object.prototype.toString.call(source);
  if (tag === "[object ArrayBuffer]" || tag === "[object SharedArrayBuffer]") return new Uint8Array(source as ArrayBuffer);
  const hint =
    typeof source === "string"
      ? "It reads no paths: give it the bytes, await readFile(path), or await (await fetch(url)).arrayBuffer()."
      : typeof (source as { then?: unknown } | null | undefined)?.then === "function"
        ? "Await it first."
        : typeof (source as { arrayBuffer?: unknown } | null | undefined)?.arrayBuffer === "function"
          ? "Give it await source.arrayBuffer()."
          : "Give it an ArrayBuffer, a Uint8Array or a Buffer.";
  throw new ErmineError("ERMINE_USAGE", `${where} takes the bytes of a file, got ${show(source)}. ${hint}`);
}

/** The typed array of a file's elements. */
export type ElementArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface ElementArrayClass<A extends ElementArray = ElementArray> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
}

/** The bytes as elements: the same memory where it is aligned to their size, a copy where it is not. */
export function viewAs<A extends ElementArray>(bytes: Uint8Array, type: ElementArrayClass<A>): A {
  const aligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new type(aligned.buffer, aligned.byteOffset, aligned.byteLength / type.BYTES_PER_ELEMENT);
}

export const bytesIn = (array: ArrayBufferView): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
