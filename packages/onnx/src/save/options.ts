/** What `saveModel` takes, checked. */
import { ErmineError, Tensor, type Link } from "@ermine/core";
import { checkOptions, nearestName } from "@ermine/core/define";
import { elementTypes, type ElementType } from "../elements.js";

/** The options of `saveModel`. */
export interface SaveOptions {
  /**
   * What the model's forward takes: a tensor, or a list with one for each argument. Its elements count for nothing but their dtype, shape and domain.
   */
  readonly sample: Tensor | readonly Tensor[];
  /** ONNX's operator set: 18 … 23. Default 18, which every runtime since 2023 reads; from 20 on GELU and from 23 on RMS normalization and attention are operators of their own. */
  readonly opset?: number;
  /** The axis of the inputs whose size stays open, `N` in the file; null: all sizes are the sample's. Inputs whose size there is not the first one's stay as they are. Default 0. */
  readonly batchAxis?: number | null;
  /** The inputs' names in the order of the arguments, each with the element type that the file declares. Default: "input", or "input_0", "input_1", …, as the sample has them. */
  readonly inputs?: Readonly<Record<string, ElementType>>;
  /** The graph's name. Default: what the model calls itself. */
  readonly name?: string;
  /** The classes' names: of the only output, or of outputs by their names. Default: none. */
  readonly classes?: readonly string[] | Readonly<Record<string, readonly string[]>>;
  /** What makes probabilities of the output: "softmax", "sigmoid", "exp" or "identity"; of the only output, or of outputs by their names. Default: not said. */
  readonly link?: Link | Readonly<Record<string, Link>>;
  /**
   * What makes the inputs of raw data, as JSON, or what has a `toJSON` (`tablePreprocessing` of `@ermine/preprocessing`): kept as `ermine.preprocessing`. Default: none.
   */
  readonly preprocessing?: object;
  /** Further entries of the file's `metadata_props`. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The options of `saveModel` for what `loadModel` gave, without a sample: the file stays, but for its weights and what these say. */
export type ResaveOptions = Partial<Pick<SaveOptions, "name" | "classes" | "link" | "preprocessing" | "metadata">> & {
  /** With a sample the model is traced, as any other. Default: none. */
  readonly sample?: undefined;
};

const kinds = {
  sample: "any",
  opset: "integer",
  batchAxis: ["integer", "null"],
  inputs: "object",
  name: "string",
  classes: ["list", "object"],
  link: ["string", "object"],
  preprocessing: "object",
  metadata: "object",
} as const;

/** The operator sets that this package writes, and the version of the file format that each came with. */
export const irVersions: ReadonlyMap<number, bigint> = new Map([
  [18, 8n],
  [19, 9n],
  [20, 9n],
  [21, 10n],
  [22, 10n],
  [23, 11n],
]);

const links: readonly Link[] = ["identity", "softmax", "sigmoid", "exp"];

const refuse = (message: string): never => {
  throw new ErmineError("ERMINE_OPTION", `saveModel: ${message}`);
};

const { sample, name, classes, link, preprocessing, metadata } = kinds;

/** @throws ErmineError ERMINE_OPTION for an option that takes a sample */
export function checkResaveOptions(options: ResaveOptions): void {
  const traced = ["opset", "batchAxis", "inputs"].find((option) => option in options);
  if (traced !== undefined)
    refuse(`${traced} is what the file says. To write another one, give a sample: saveModel(model, { sample, ${traced} }).`);
  checkOptions("saveModel", options, { sample, name, classes, link, preprocessing, metadata }, "model");
  checkMetadata(options.metadata ?? {});
}

function checkMetadata(entries: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(entries)) {
    if (typeof value !== "string") refuse(`metadata has texts, got ${typeof value} for "${key}".`);
    if (key.startsWith("ermine.")) refuse(`metadata: keys that begin with "ermine." are its own, got "${key}".`);
  }
}

/** An input as the file declares it. */
export interface DeclaredInput {
  readonly name: string;
  readonly type: ElementType;
  readonly sample: Tensor;
}

/** The inputs, checked. @throws ErmineError ERMINE_OPTION for a wrong option */
export function checkSaveOptions(options: SaveOptions): readonly DeclaredInput[] {
  checkOptions("saveModel", options, kinds, "model");
  if (options?.sample === undefined)
    refuse("give a sample of what the model takes: saveModel(model, { sample: zeros([1, 784]) }).");
  const { sample, opset = 18, inputs } = options;
  const samples: readonly unknown[] = sample instanceof Tensor ? [sample] : sample;
  if (!Array.isArray(samples) || samples.length === 0 || samples.some((item) => !(item instanceof Tensor)))
    refuse("sample is a tensor, or a list with one for each argument of forward.");
  if (!irVersions.has(opset)) refuse(`opset is one of ${[...irVersions.keys()].join(", ")}, got ${opset}.`);
  checkMetadata(options.metadata ?? {});
  const tensors = samples as readonly Tensor[];
  const names = Object.keys(inputs ?? {});
  if (inputs !== undefined && names.length !== tensors.length)
    refuse(`inputs names each of the ${tensors.length} inputs, in order; got ${names.length === 0 ? "none" : names.join(", ")}.`);
  return tensors.map((tensor, i) => {
    const name = names[i] ?? (tensors.length === 1 ? "input" : `input_${i}`);
    const type = inputs?.[name] ?? tensor.dtype;
    if (!Object.hasOwn(elementTypes, type)) {
      const near = nearestName(String(type), Object.keys(elementTypes));
      refuse(
        `the input "${name}" is one of ${Object.keys(elementTypes).join(", ")}, got ${JSON.stringify(type)}.${near === undefined ? "" : ` Did you mean "${near}"?`}`,
      );
    }
    return { name, type, sample: tensor };
  });
}

/** What is said of outputs, by their names. @throws ErmineError ERMINE_OPTION where there is no such output */
function byOutput<T>(
  option: string,
  given: unknown,
  isOne: (value: unknown) => value is T,
  outputs: readonly string[],
): Readonly<Record<string, T>> {
  const entries = isOne(given) ? [[outputs[0]!, given] as const] : Object.entries(given as Readonly<Record<string, T>>);
  if (isOne(given) && outputs.length !== 1)
    refuse(`${option} is said for each output by its name (${outputs.join(", ")}), as there are several.`);
  for (const [name, value] of entries) {
    if (!outputs.includes(name))
      refuse(`${option}: there is no output "${name}". There ${outputs.length === 1 ? "is" : "are"} ${outputs.join(", ")}.`);
    if (!isOne(value)) refuse(`${option}: what is said of "${name}" is none, got ${JSON.stringify(value)}.`);
  }
  return Object.fromEntries(entries as readonly (readonly [string, T])[]);
}

const isLink = (value: unknown): value is Link => links.includes(value as Link);
const isClasses = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string");

/** The entries of `metadata_props`, sorted. @throws ErmineError ERMINE_OPTION */
export function metadataOf(
  options: Pick<SaveOptions, "classes" | "link" | "preprocessing" | "metadata">,
  outputs: readonly { readonly name: string; readonly channels: number | undefined }[],
  version: string,
): readonly [string, string][] {
  const names = outputs.map(({ name }) => name);
  const entries: [string, string][] = [["ermine.version", version], ...Object.entries(options.metadata ?? {})];
  if (options.preprocessing !== undefined) entries.push(["ermine.preprocessing", JSON.stringify(options.preprocessing)]);
  if (options.link !== undefined) entries.push(["ermine.link", JSON.stringify(byOutput("link", options.link, isLink, names))]);
  if (options.classes !== undefined) {
    const classes = byOutput("classes", options.classes, isClasses, names);
    for (const { name, channels } of outputs) {
      const count = classes[name]?.length;
      if (count !== undefined && channels !== undefined && count !== channels && !(channels === 1 && count === 2))
        refuse(`classes: "${name}" has ${channels} channels, and ${count} classes are named.`);
    }
    entries.push(["ermine.classes", JSON.stringify(classes)]);
  }
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}
