/** What outputs mean: probabilities by the link that the file names, and classes. */
import { ErmineError } from "@ermine/core";

/** What makes probabilities of an output. */
export type FileLink = "identity" | "softmax" | "sigmoid" | "exp";

const links: readonly unknown[] = ["identity", "softmax", "sigmoid", "exp"];

/** What a file says of its outputs, by their names. */
export interface Meanings {
  readonly links: ReadonlyMap<string, FileLink>;
  readonly classes: ReadonlyMap<string, readonly string[]>;
}

/** @throws ErmineError ERMINE_DATA where an entry is not what `saveModel` writes */
export function meaningsOf(metadata: ReadonlyMap<string, string>): Meanings {
  const isNames = (value: unknown): value is readonly string[] =>
    Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");
  const isLink = (value: unknown): value is FileLink => links.includes(value);
  return { links: read(metadata, "ermine.link", isLink), classes: read(metadata, "ermine.classes", isNames) };
}

function read<T>(
  metadata: ReadonlyMap<string, string>,
  key: string,
  isOne: (value: unknown) => value is T,
): ReadonlyMap<string, T> {
  const entry = parsed(metadata, key);
  if (entry === undefined) return new Map();
  const pairs = entry !== null && typeof entry === "object" && !Array.isArray(entry) ? Object.entries(entry) : undefined;
  if (pairs === undefined || !pairs.every(([, value]) => isOne(value))) throw damaged(key);
  return new Map(pairs as [string, T][]);
}

/** An entry of the file as JSON. @throws ErmineError ERMINE_DATA where it is none */
export function parsed(metadata: ReadonlyMap<string, string>, key: string): unknown {
  const text = metadata.get(key);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw damaged(key);
  }
}

const damaged = (key: string): ErmineError =>
  new ErmineError("ERMINE_DATA", `The file's entry ${JSON.stringify(key)} is not what saveModel writes: the file is damaged.`);

const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Probabilities of an output, which has classes along its second axis, or along its only one. */
export function probabilitiesOf(data: ArrayLike<number>, shape: readonly number[], link: FileLink): Float32Array {
  if (link === "softmax") return softmax(data, shape);
  const apply = { identity: (x: number) => x, sigmoid: (x: number) => 1 / (1 + Math.exp(-x)), exp: Math.exp }[link];
  return Float32Array.from(data, (x) => apply(x));
}

function softmax(data: ArrayLike<number>, shape: readonly number[]): Float32Array {
  const axis = Math.min(1, shape.length - 1);
  const classes = shape[axis] ?? 1;
  const inner = count(shape.slice(axis + 1));
  const result = new Float32Array(data.length);
  for (let start = 0; start < data.length; start += classes * inner) {
    for (let column = start; column < start + inner; column++) {
      let most = -Infinity;
      for (let k = 0; k < classes; k++) most = Math.max(most, data[column + k * inner]!);
      let total = 0;
      for (let k = 0; k < classes; k++) total += Math.exp(data[column + k * inner]! - most);
      for (let k = 0; k < classes; k++) result[column + k * inner] = Math.exp(data[column + k * inner]! - most) / total;
    }
  }
  return result;
}

/** A sample's class, or, where classes do not exclude each other, all that it has. */
export type Classes = readonly string[] | readonly (readonly string[])[];

/**
 * The classes of each sample of an output [N, classes], or of two classes [N] or [N, 1]; undefined of others, and where two classes have no link that says what is likely.
 *
 * @param values probabilities, or, without a link, the output itself
 */
export function classesOf(
  values: ArrayLike<number>,
  shape: readonly number[],
  names: readonly string[],
  link: FileLink | undefined,
): Classes | undefined {
  if (shape.length === 0 || shape.length > 2) return undefined;
  const columns = shape[1] ?? 1;
  const samples = Array.from({ length: shape[0]! }, (_, i) => i * columns);
  if (columns === 1 && names.length === 2) {
    if (link === undefined) return undefined;
    return samples.map((at) => names[values[at]! >= 0.5 ? 1 : 0]!);
  }
  if (columns !== names.length) return undefined;
  if (link === "sigmoid") return samples.map((at) => names.filter((_, k) => values[at + k]! >= 0.5));
  return samples.map((at) => {
    let best = 0;
    for (let k = 1; k < columns; k++) if (values[at + k]! > values[at + best]!) best = k;
    return names[best]!;
  });
}
