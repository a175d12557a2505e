/** float16 (IEEE 754 binary16) and bfloat16 as 16-bit words, to float32 and back. Not every engine has Float16Array, and none has bfloat16. */
import { checkArgument, checkArguments, isTypedArray, show } from "@ermine/core/define";
import { ErmineError } from "@ermine/core";

/** A float of 16 bits: IEEE's half, or the upper half of a float32. */
export type HalfFormat = "float16" | "bfloat16";

function checkFormat(where: string, format: unknown): void {
  if (format === "float16" || format === "bfloat16") return;
  throw new ErmineError("ERMINE_OPTION", `${where}: the format is "float16" or "bfloat16", got ${show(format)}.`);
}

/** One float32, as a value and as its bits. */
const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/**
 * The bits of a float32 that rounds to the same 16-bit float as `value` does: where float32 has no such value, the one toward 0 with its last bit set, so that
 * nothing is rounded twice.
 */
function bitsToRound(value: number): number {
  float[0] = value;
  const rounded = float[0]!;
  if (rounded !== value && !Number.isNaN(value)) {
    if (Math.abs(rounded) > Math.abs(value)) floatBits[0]!--;
    floatBits[0]! |= 1;
  }
  return floatBits[0]!;
}

/** The float32 bits of a float16: exact, for float32 has every float16. */
function bitsOfFloat16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  // A subnormal is fraction · 2⁻²⁴, which float32 has as a normal number.
  float[0] = fraction * 2 ** -24;
  return sign | floatBits[0]!;
}

/** The float16 nearest to a float32, ties to even; ±∞ from 65,520 on. */
function float16Of(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  // NaN stays one: its upper bits, and the bit that makes it quiet.
  if (size > 0x7f800000) return sign | 0x7e00 | ((size >>> 13) & 0x3ff);
  if (size >= 0x47800000) return sign | 0x7c00;
  if (size < 0x38800000) {
    // Below 2⁻¹⁴ the unit is 2⁻²⁴: adding ½ · 2²³ · 2⁻²⁴ rounds to it.
    floatBits[0] = size;
    float[0] = float[0]! + 0.5;
    return sign | (floatBits[0]! - 0x3f000000);
  }
  const odd = (size >>> 13) & 1;
  return sign | ((size - 0x38000000 + 0xfff + odd) >>> 13);
}

/** The bfloat16 nearest to a float32, ties to even. */
function bfloat16Of(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

/**
 * The values of 16-bit floats, each exact in float32.
 *
 * @example
 * fromHalf(Uint16Array.of(0x3c00), "float16"); // Float32Array [1]
 */
export function fromHalf(words: Uint16Array, format: HalfFormat): Float32Array {
  if (arguments.length > 2) checkArguments("fromHalf", arguments, 2);
  if (!(words instanceof Uint16Array))
    throw new ErmineError("ERMINE_USAGE", `fromHalf takes words of 16 bits in a Uint16Array, got ${show(words)}.`);
  checkFormat("fromHalf", format);
  const values = new Float32Array(words.length);
  const bits = new Uint32Array(values.buffer);
  if (format === "bfloat16") for (let i = 0; i < words.length; i++) bits[i] = words[i]! << 16;
  else for (let i = 0; i < words.length; i++) bits[i] = bitsOfFloat16(words[i]!);
  return values;
}

const kindOf = (values: ArrayLike<number>): string =>
  (values as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? "";

/**
 * The nearest 16-bit floats, ties to even.
 *
 * @param where what the values are, for the message
 * @throws ErmineError ERMINE_VALUE where a finite value is beyond the format's range (float16: 65,504)
 */
export function toHalf(values: ArrayLike<number>, format: HalfFormat, where = "toHalf"): Uint16Array {
  if (arguments.length > 3) checkArguments("toHalf", arguments, 3);
  if (!isTypedArray(values) || kindOf(values).startsWith("Big")) {
    checkArgument("toHalf(values, format)", "values", values, "list");
    for (let i = 0; i < values.length; i++) checkArgument("toHalf(values, format)", `values[${i}]`, values[i], "number");
  }
  checkFormat("toHalf", format);
  checkArgument("toHalf(values, format, where)", "where", where, "string");
  const words = new Uint16Array(values.length);
  const round = format === "float16" ? float16Of : bfloat16Of;
  const infinity = format === "float16" ? 0x7c00 : 0x7f80;
  for (let i = 0; i < values.length; i++) {
    const rounded = round(bitsToRound(values[i]!));
    if ((rounded & 0x7fff) === infinity && Number.isFinite(values[i]))
      throw new ErmineError(
        "ERMINE_VALUE",
        `${where}: element ${i} is ${values[i]}, which ${format} cannot hold: at most ${format === "float16" ? "65504" : "3.39e38"}. ` +
          `Write it as F32${format === "float16" ? " or BF16" : ""}.`,
      );
    words[i] = rounded;
  }
  return words;
}
