// How a program's `// => value` is compared with the value: as Node prints it, numbers to the digits that are shown.
import { inspect } from "node:util";

const number = /-?(?:\d+\.?\d*(?:e[+-]?\d+)?|Infinity|NaN)/g;

/** @throws Error where the value is not what the comment says */
export function expectValue(value, expected) {
  const shown = show(value);
  if (!agrees(shown, expected)) throw new Error(`is ${shown}, and the comment says ${expected}`);
}

function show(value) {
  const plain = typeof value?.toArray === "function" ? value.toArray() : value;
  if (typeof plain === "string") return plain;
  return inspect(ArrayBuffer.isView(plain) ? [...plain] : plain, { depth: 8, breakLength: Infinity, maxArrayLength: 1000 });
}

/** Equal but for spaces, and for digits that the comment does not show. */
export function agrees(shown, expected) {
  const skeleton = (text) => text.replace(number, "#").replace(/[\s"'`]/g, "");
  if (skeleton(shown) !== skeleton(expected)) return false;
  const [actual, wanted] = [shown.match(number) ?? [], expected.match(number) ?? []];
  return actual.every((text, i) => {
    const [a, b] = [Number(text), Number(wanted[i])];
    if (Object.is(a, b) || a === b) return true;
    return Math.abs(a - b) <= 0.5000001 * 10 ** -decimals(wanted[i]);
  });
}

function decimals(text) {
  const [digits, exponent = "0"] = text.split("e");
  return (digits.split(".")[1]?.length ?? 0) - Number(exponent);
}
