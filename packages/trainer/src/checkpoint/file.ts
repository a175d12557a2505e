/**
 * A checkpoint as bytes: one safetensors file. Its tensors are the model's variables as `model.<name>`, the optimizer's slots as
 * `optimizer.<parameter>.<slot>`, and the arrays of callbacks; its metadata has the rest as JSON, and the SHA-256 of the file in which that field is zeros.
 */
import { checkArguments } from "@ermine/core/define";
import { ErmineError, type TypedArray } from "@ermine/core";
import { readSafetensors, safetensorsParts, type Bytes, type Safetensors, type WritableTensor } from "@ermine/formats";
import { checkSnapshot } from "../step/snapshot.js";
import type { HostState, SavedState, SnapshotSettings, TrainingSnapshot, VariableState } from "../step/contract.js";
import { sha256 } from "./digest.js";
import { checkParts, checkSaved } from "./host.js";
import { readStateText, stateText } from "./json.js";

/** A file in parts, to be written one after the other. */
export interface CheckpointParts {
  /** The header, then the elements. */
  readonly parts: readonly Uint8Array[];
  /** The length of the file. */
  readonly byteLength: number;
}

const format = "ermine.checkpoint";
/** Of the layout of the file, not of ermine. */
const layout = "1";
const digits = 64;
/** Longer headers are not read (`readSafetensors`). */
const longestHeader = 16_000_000;

const isOfModel = ({ role }: Pick<VariableState, "role">): boolean => role === "parameter" || role === "buffer";

const tensorName = (variable: Pick<VariableState, "role" | "name">): string =>
  isOfModel(variable) ? `model.${variable.name}` : variable.name;

interface SavedVariable {
  readonly [key: string]: SavedState;
  readonly name: string;
  readonly role: VariableState["role"];
  readonly dtype: VariableState["dtype"];
}

/**
 * A snapshot as the bytes of a safetensors file, which other programs read too: the model's values are the tensors `model.…`.
 *
 * @throws ErmineError ERMINE_USAGE where it is no snapshot; ERMINE_DATA where what is no tensor would take more than 16 MB
 * @example
 * const { parts, byteLength } = await encodeCheckpoint(await trainer.snapshot());
 * parts.reduce((sum, { length }) => sum + length, 0) === byteLength; // => true
 */
export async function encodeCheckpoint(snapshot: TrainingSnapshot): Promise<CheckpointParts> {
  if (arguments.length > 1) checkArguments("encodeCheckpoint", arguments, 1);
  checkSnapshot(snapshot);
  checkParts(snapshot);
  const { variables, host, settings } = snapshot;
  const tensors = new Map<string, WritableTensor>();
  for (const variable of variables) tensors.set(tensorName(variable), variable);
  let count = 0;
  const keep = (data: TypedArray): string => {
    const name = `state.${count++}`;
    tensors.set(name, { shape: [data.length], data });
    return name;
  };
  const { history } = host;
  const state = {
    settings: settings as unknown as SavedState,
    host: { ...host, history: { ...history, steps: Float64Array.from(history.steps) } } as unknown as SavedState,
    variables: variables.map(({ name, role, dtype }): SavedVariable => ({ name, role, dtype })),
  };
  const text = stateText(state, keep);
  const metadata = (digest: string) => ({ metadata: { format, layout, sha256: digest, state: text } });
  // The data lie in one piece, so that the digest is taken of the file as it is.
  const { parts, byteLength } = safetensorsParts(tensors, metadata("0".repeat(digits)));
  if (parts[0]!.length > longestHeader)
    throw new ErmineError(
      "ERMINE_DATA",
      `The checkpoint's header would have ${parts[0]!.length} bytes, and at most ${longestHeader} are read. Let callbacks keep typed arrays in place of lists.`,
    );
  const file = new Uint8Array(byteLength);
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  const place = digestPlace(file.subarray(0, parts[0]!.length));
  file.set(new TextEncoder().encode(await sha256(file)), place);
  return { parts: [file], byteLength };
}

const marker = '"sha256":"';

/** Offset of the digest's digits. @throws ErmineError ERMINE_DATA if there are none */
function digestPlace(header: Uint8Array): number {
  // Texts in JSON have their quotes escaped: the marker stands there once.
  const text = latin1(header);
  const place = text.indexOf(marker);
  if (place < 0 || text.includes(marker, place + 1))
    throw new ErmineError("ERMINE_DATA", "It has no digest of its own (sha256), or several.");
  return place + marker.length;
}

/** Each byte as a character, so that places are the same. */
const latin1 = (bytes: Uint8Array): string => {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
};

/**
 * The snapshot in a checkpoint's bytes, checked to the last bit: what is damaged, cut short or changed is refused. Nothing in a file is run, fetched or
 * opened, whatever it says.
 *
 * @param bytes the whole file: a Buffer of `readFile`, an ArrayBuffer of `fetch`
 * @throws ErmineError ERMINE_DATA that says what is wrong with it, ERMINE_USAGE where they are no bytes
 * @example
 * const { parts } = await encodeCheckpoint(await trainer.snapshot());
 * const { host } = await decodeCheckpoint(parts[0]!);
 * host.update; // => 0
 */
export async function decodeCheckpoint(bytes: Bytes): Promise<TrainingSnapshot> {
  if (arguments.length > 1) checkArguments("decodeCheckpoint", arguments, 1);
  const plainBytes = bytesToDigest(bytes);
  const file = readSafetensors(plainBytes);
  const { metadata } = file;
  if (metadata.get("format") !== format)
    throw new ErmineError(
      "ERMINE_DATA",
      "It is a safetensors file, but no checkpoint of a training. A model's values alone: loadStateDict(readSafetensors(bytes).stateDict()).",
    );
  if (metadata.get("layout") !== layout)
    throw new ErmineError(
      "ERMINE_DATA",
      `It is a checkpoint of layout ${metadata.get("layout")}, and this version of ermine reads ${layout}. Resume with the version that wrote it.`,
    );
  await checkDigest(plainBytes as Uint8Array, metadata.get("sha256") ?? "");
  return snapshotIn(file, metadata.get("state") ?? "");
}

/** As a Uint8Array and no class of its own (a Buffer's `slice` is a view); copied where another thread has them, for no digest is taken of those. What are no bytes is left as it is. */
function bytesToDigest(bytes: Bytes): Bytes {
  if (ArrayBuffer.isView(bytes)) {
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return bytes.buffer instanceof ArrayBuffer ? view : view.slice();
  }
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  return typeof SharedArrayBuffer !== "undefined" && bytes instanceof SharedArrayBuffer ? new Uint8Array(bytes).slice() : bytes;
}

async function checkDigest(bytes: Uint8Array, digest: string): Promise<void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const place = digestPlace(bytes.subarray(0, 8 + Number(view.getBigUint64(0, true))));
  const field = bytes.slice(place, place + digits);
  let computed: Promise<string>;
  try {
    bytes.fill(0x30, place, place + digits);
    // A copy is taken before it answers.
    computed = sha256(bytes);
  } finally {
    bytes.set(field, place);
  }
  if ((await computed) === digest && latin1(field) === digest) return;
  throw new ErmineError("ERMINE_DATA", "Its SHA-256 is not the one that it was written with: it was damaged or changed since.");
}

function snapshotIn(file: Safetensors, text: string): TrainingSnapshot {
  const arrays = new Set<string>();
  const state = readStateText(text, (name) => {
    arrays.add(name);
    return elementsOf(file, name);
  }) as { readonly settings?: SavedState; readonly host?: SavedState; readonly variables?: SavedState };
  const { settings, host, variables } = state ?? {};
  checkSaved(host, variables);
  const variableStates = (variables as unknown as readonly SavedVariable[]).map(({ name, role, dtype }): VariableState => {
    const tensor = tensorName({ name, role });
    const data = elementsOf(file, tensor);
    const shape = file.tensors.get(tensor)?.shape;
    if (data === undefined || shape === undefined)
      throw new ErmineError("ERMINE_DATA", `It lacks the tensor ${JSON.stringify(tensor)}.`);
    arrays.add(tensor);
    return { name, role, shape, dtype, data };
  });
  const unknownTensor = [...file.tensors.keys()].find((name) => !arrays.has(name));
  if (unknownTensor !== undefined)
    throw new ErmineError("ERMINE_DATA", `It has a tensor ${JSON.stringify(unknownTensor)} that is no variable's.`);
  const { backend, version, trainer } = (settings ?? {}) as unknown as Partial<SnapshotSettings>;
  if (typeof version !== "string" || typeof backend?.name !== "string" || typeof trainer !== "object")
    throw new ErmineError("ERMINE_DATA", "It does not say what the training was set up with.");
  const { history } = host as unknown as HostState;
  return {
    settings: settings as unknown as SnapshotSettings,
    host: { ...(host as unknown as HostState), history: { ...history, steps: Array.from(history.steps) } },
    variables: variableStates,
  };
}

function elementsOf(file: Safetensors, name: string): TypedArray | undefined {
  const elements = file.tensors.get(name)?.elements();
  const isKept =
    elements instanceof Float32Array ||
    elements instanceof Float64Array ||
    elements instanceof Int32Array ||
    elements instanceof Uint8Array;
  return isKept ? elements : undefined;
}
