/**
 * A named place whose tensor changes: a parameter, an optimizer's moment, a running mean. Inside a trace it is read as a
 * graph's variable; while compiled programs have it, its elements are in one place of their backend's memory, where those programs, eager
 * reads and eager writes find them.
 */
import { checkOptions } from "../types/options.js";
import { checkArguments } from "../types/arguments.js";
import type { Backend } from "../ir/contract.js";
import type { GraphVariable, VariablePlacement, VariableRole, VariableStorage } from "../ir/graph.js";
import { checkAttached, elementsOf, isTypedArray, type AnyTypedArray } from "../types/arrays.js";
import { copyKey, copyMark, type CopyMark } from "../types/copy.js";
import { formatShape, sameShape } from "../types/dim.js";
import type { Domain, DType, TypedArray } from "../types/dtype.js";
import { ErmineError } from "../types/errors.js";
import { finalizationRegistry } from "../types/finalizers.js";
import { physicalDType, type Storage, type TensorType } from "../types/storage.js";
import {
  checkTensor,
  eagerState,
  release,
  storageOn,
  surrender,
  Tensor,
  typeOf,
  wrapHost,
  wrapStorage,
} from "../types/tensor.js";
import { aliasOf, sameElements, withDomain } from "../types/views.js";
import { context, within } from "./context.js";
import { adopt, keep } from "./scope.js";
import { holdOnTapes, pauseTapes, tapesFollow, tapesListen } from "./tapes.js";

/**
 * @internal Where a variable's elements are while programs of one backend have it. Where programs of several backends do there are several places,
 * and elements are copied to one when a program is about to run that has older ones.
 */
export class Placement implements VariablePlacement {
  readonly backend: Backend;
  readonly storage: VariableStorage;
  /** The variable's places, this one among them. */
  readonly all: Placement[];
  readonly #dtype: DType;
  /** Programs that have it. */
  holders = 0;
  /** Has nobody written the variable elsewhere since? */
  isFresh = true;

  constructor(backend: Backend, storage: VariableStorage, all: Placement[], dtype: DType) {
    this.backend = backend;
    this.storage = storage;
    this.all = all;
    this.#dtype = dtype;
    all.push(this);
    if (all.length === 2) context.spreadVariables++;
  }

  /** Copies the newest elements here, where they are not. */
  refresh(): void {
    if (this.isFresh) return;
    const { backend, storage } = this.all.find(({ isFresh }) => isFresh)!;
    const copy = storage.snapshot();
    try {
      this.storage.write(inDType(backend.readSync!(copy), this.#dtype));
    } finally {
      backend.release(copy);
    }
    this.isFresh = true;
  }

  /** The elements here are others now. */
  wrote(): void {
    this.isFresh = true;
    if (this.all.length > 1) for (const other of this.all) if (other !== this) other.isFresh = false;
  }
}

/** A backend without int32 or bool answers in float32. */
function inDType(data: TypedArray, dtype: DType): TypedArray {
  if (dtype === "int32" && !(data instanceof Int32Array)) return Int32Array.from(data);
  return dtype === "bool" && !(data instanceof Uint8Array) ? Uint8Array.from(data) : data;
}

/** Places of variables that nobody can reach any more, nor the programs that had them. */
const abandoned = finalizationRegistry<VariableStorage>((storage) => {
  try {
    storage.release();
  } catch {
    // The backend was disposed meanwhile, and the place with it. Nobody could catch this here.
  }
});

/** @internal Runs fn with each variable of `watched` read as its tensor, until fn writes it. */
export const withRecording = <T>(watched: Map<GraphVariable, Tensor | undefined>, fn: () => T): T =>
  within("recordings", [...context.recordings, watched], fn);

/**
 * What the axes of a weight are: "outputFirst" (outputs, inputs, …), as layers have it; "inputFirst" (inputs, outputs), what x · W multiplies by; "rows", a table that is looked up
 * by its first axis.
 */
export type WeightLayout = (typeof layouts)[number];

const layouts = ["outputFirst", "inputFirst", "rows"] as const;
const variableKinds = { name: "string", trainable: "boolean", role: "string", layout: "string" } as const;

function checkLayout(where: string, layout: WeightLayout | undefined): void {
  if (layout === undefined || layouts.includes(layout)) return;
  const known = layouts.map((each) => JSON.stringify(each)).join(", ");
  throw new ErmineError("ERMINE_OPTION", `${where}: layout is one of ${known}, got ${JSON.stringify(layout)}.`);
}

// `any`, as for Tensor: a plain Variable fits everywhere.
/** A place whose tensor changes: a parameter, a buffer, what an optimizer keeps. */
export class Variable<D extends Domain = any> implements GraphVariable {
  /** The shape, dtype and domain of every tensor that it holds. */
  readonly type: TensorType;
  /** The role in training. Default: "parameter" of a `Parameter`, else "buffer". */
  readonly role: VariableRole;
  /** For messages; a module's path where it has one. */
  name: string;
  /** A frozen one gets no gradient. */
  trainable: boolean;
  /** What the axes of a weight are to the layer that has it, for what adapts it. */
  readonly layout: WeightLayout;
  #tensor: Tensor | undefined;
  /** Of the backends whose programs have it; the first has had it longest. */
  readonly #placements: Placement[] = [];

  constructor(
    initial: Tensor<D>,
    options: {
      /** For messages. Default: none. */
      name?: string;
      /** Do optimizers update it? Default true for a `Parameter`, false for other variables. */
      trainable?: boolean;
      /** Its role in a training. Default: that of its class. */
      role?: VariableRole;
      /** What its axes are, where it is a weight. Default "outputFirst", a layer's. */
      layout?: WeightLayout;
    } = {},
  ) {
    if (arguments.length > 2) checkArguments(new.target.name, arguments, 2);
    checkTensor(new.target.name, initial);
    checkOptions(new.target.name, options, variableKinds, "initial");
    checkLayout(new.target.name, options.layout);
    this.type = typeOf(initial);
    this.role = options.role ?? (this instanceof Parameter ? "parameter" : "buffer");
    this.name = options.name ?? "variable";
    this.trainable = options.trainable ?? true;
    this.layout = options.layout ?? "outputFirst";
    this.#tensor = exclusive(initial);
  }

  /** @internal */
  get [copyKey](): CopyMark {
    return copyMark("Variable", #tensor in this);
  }

  /** The shape of every tensor that it holds. */
  get shape(): readonly number[] {
    return this.type.shape as readonly number[];
  }

  /**
   * The tensor now. Writing replaces it; shape and dtype stay.
   *
   * Inside of `valueAndGrad` a gradient flows through what is written to what it was computed from. Under `noGrad` the elements are
   * replaced and the gradient stays the variable's own, as with `p.copy_()` under PyTorch's `no_grad`.
   */
  get value(): Tensor<D> {
    const recorded = this.#recorded();
    if (recorded !== undefined) return recorded as Tensor<D>;
    const { trace } = context;
    if (trace !== undefined) return trace.readVariable(this) as Tensor<D>;
    const t = this.eagerValue() as Tensor<D>;
    return this.#placements.length === 0 ? t : adopt(t, 4 * t.size);
  }

  set value(next: Tensor) {
    checkTensor(`${this.name}.value =`, next);
    if (!sameShape(next.shape, this.type.shape) || next.dtype !== this.type.dtype) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${this.name} is ${this.type.dtype}${formatShape(this.type.shape)} and cannot hold ${next.dtype}${formatShape(next.shape)}.`,
      );
    }
    const { domain } = this.type;
    if (domain !== "real" && next.domain !== domain) {
      throw new ErmineError("ERMINE_DOMAIN", `${this.name} holds ${domain} and cannot hold a tensor marked ${next.domain}.`);
    }
    const value = withDomain(next, domain);
    this.#write(value);
    if (context.recordings.length > 0) this.#record(value);
  }

  /** The tensor as which the innermost tape that follows this variable has it. */
  #recorded(): Tensor | undefined {
    const { recordings } = context;
    for (let i = recordings.length - 1; i >= 0; i--) if (recordings[i]!.has(this)) return recordings[i]!.get(this);
    return undefined;
  }

  /** From now on tapes know the variable by what was written. */
  #record(value: Tensor): void {
    const before = this.#recorded();
    let recorded: Tensor | undefined;
    if (tapesFollow(value)) recorded = value;
    else if (!tapesListen() && before !== undefined)
      recorded = aliasOf(context.trace === undefined ? (this.#tensor ?? value) : value, before);
    if (recorded !== undefined) holdOnTapes(recorded.state);
    for (const watched of context.recordings) watched.set(this, recorded);
  }

  #write(next: Tensor): void {
    const { trace } = context;
    if (trace !== undefined) {
      trace.writeVariable(this, next);
      return;
    }
    const state = eagerState(next, `${this.name}.value =`);
    const placement = this.#fresh;
    if (placement !== undefined) {
      placement.storage.write(state.host ?? storageOn(next, placement.backend, `${this.name}.value =`));
      placement.wrote();
      return;
    }
    if (next.state === this.#tensor!.state) return;
    this.#replace(exclusive(next));
  }

  #replace(next: Tensor): void {
    const old = this.#tensor!;
    this.#tensor = next;
    // Whoever still holds the old one can use it until the scope ends.
    if (old.state.kind === "eager") old.state.kept = false;
    adopt(old, 4 * old.size);
  }

  /** A copy of the elements. */
  async data(): Promise<TypedArray> {
    const placement = this.#fresh;
    if (placement !== undefined) return placement.storage.read();
    // Doubles of a float64 engine stay what they are.
    return eagerState(this.#tensor!, this.name).host?.slice() ?? this.#tensor!.data();
  }

  /**
   * Replaces the elements by those of an array of any kind.
   *
   * @throws ErmineError ERMINE_SHAPE where their count differs, ERMINE_DTYPE where one does not fit the variable's dtype, ERMINE_VALUE for what is
   * no array, ERMINE_USAGE in a trace
   */
  write(data: AnyTypedArray | readonly number[]): void {
    if (!Array.isArray(data) && !isTypedArray(data)) {
      throw new ErmineError(
        "ERMINE_VALUE",
        `${this.name}.write() takes a typed array. Of a tensor: ${this.name}.value = tensor.`,
      );
    }
    const length = this.shape.reduce((a, b) => a * b, 1);
    if (isTypedArray(data)) checkAttached(`${this.name}.write()`, data);
    if (data.length !== length) {
      throw new ErmineError("ERMINE_SHAPE", `${this.name} has ${length} numbers, got ${data.length}.`);
    }
    if (context.trace !== undefined) {
      throw new ErmineError(
        "ERMINE_USAGE",
        `${this.name}.write() replaces elements at once, and a function is being traced. Assign ${this.name}.value, or write outside of it.`,
      );
    }
    const { dtype } = this.type;
    const elements = elementsOf(data, { where: this.name, dtype, exact: true, holder: "the variable" });
    const placement = this.#fresh;
    if (placement !== undefined) {
      placement.storage.write(elements);
      placement.wrote();
    } else this.#replace(keep(wrapHost(this.type, elements === data ? elements.slice() : elements)));
    if (context.recordings.length > 0) pauseTapes(() => this.#record(adopt(this.eagerValue(), 4 * data.length)));
  }

  /** @internal The tensor outside of traces and tapes; a snapshot while programs have the variable. */
  eagerValue(): Tensor {
    const placement = this.#fresh;
    if (placement === undefined) return this.#tensor!;
    return wrapStorage(this.type, placement.backend, placement.storage.snapshot());
  }

  /** A place with the newest elements; undefined while no program has the variable. */
  get #fresh(): Placement | undefined {
    return this.#placements.find(({ isFresh }) => isFresh);
  }

  /** The backend whose memory has the elements while compiled programs read and write them; undefined while none does. Of several the first. */
  get placedOn(): Backend | undefined {
    return this.#placements[0]?.backend;
  }

  /**
   * @internal One more program of `backend` has the variable. The first one's moves the elements to a place of the backend's, without a copy where
   * they lie on it already; where programs of another backend have it, it is copied. `letGo` is called when that program ends.
   *
   * @param create makes the place, of a storage that becomes its own, or with zeros
   * @throws ErmineError ERMINE_USAGE where programs of another backend have it, and one of the two answers later: nothing could be copied in time
   */
  hold(backend: Backend, create: (initial?: Storage) => VariableStorage): Placement {
    const placement = this.#placements.find((each) => each.backend === backend) ?? this.#place(backend, create);
    placement.holders++;
    return placement;
  }

  #place(backend: Backend, create: (initial?: Storage) => VariableStorage): Placement {
    const [home] = this.#placements;
    if (home !== undefined && (home.backend.readSync === undefined || backend.readSync === undefined))
      throw this.#elsewhere(home.backend, backend);
    const storage = home === undefined ? this.#moved(backend, create) : create();
    const placement = new Placement(backend, storage, this.#placements, this.type.dtype);
    abandoned.register(placement, storage, placement);
    if (home !== undefined) {
      placement.isFresh = false;
      try {
        placement.refresh();
      } catch (error) {
        this.#end(placement);
        storage.release();
        throw error;
      }
    }
    return placement;
  }

  /** The tensor's elements in a place of the backend's. */
  #moved(backend: Backend, create: (initial?: Storage) => VariableStorage): VariableStorage {
    const value = this.#tensor!;
    const { host, storage: placed, backend: home } = eagerState(value, this.name);
    const isMoved = placed !== undefined && home === backend;
    const storage = create(isMoved ? placed : undefined);
    try {
      if (isMoved) surrender(value);
      else if (host !== undefined) storage.write(host);
      else if (home?.readSync !== undefined) storage.write(inDType(home.readSync(placed!), this.type.dtype));
      else storage.write(storageOn(value, backend, this.name));
    } catch (error) {
      storage.release();
      throw error;
    }
    release(value);
    this.#tensor = undefined;
    return storage;
  }

  #elsewhere(home: Backend, backend: Backend): ErmineError {
    const other = home.name === backend.name ? `another instance of "${home.name}"` : `"${home.name}"`;
    return new ErmineError(
      "ERMINE_USAGE",
      `${this.name} is in use by a program of ${other}, and this program is for "${backend.name}": one of them answers later, so that nothing can be copied ` +
        "between their runs. Hand one backend to both (backend: …), or dispose of what has it first: trainer.dispose() for a trainer, dispose() for a compiled function.",
    );
  }

  #end(placement: Placement): void {
    abandoned.unregister(placement);
    this.#placements.splice(this.#placements.indexOf(placement), 1);
    if (this.#placements.length === 1) context.spreadVariables--;
  }

  /** @internal A program of `backend` that had the variable has ended. After the last one of all the elements are a tensor again. */
  letGo(backend: Backend): void {
    const placement = this.#placements.find((each) => each.backend === backend);
    if (placement === undefined || --placement.holders > 0) return;
    const other = this.#placements.find((each) => each !== placement);
    try {
      other?.refresh();
    } catch {
      // The backend was disposed of with the newest elements: whoever asks for them is told so.
      return;
    }
    this.#end(placement);
    if (other === undefined) this.#tensor = keep(wrapStorage(this.type, backend, placement.storage.take()));
    else placement.storage.release();
  }
}

/** The same elements, kept, in a tensor that tapes take for no other; a copy where another variable or `keep` holds them already. */
function exclusive(t: Tensor): Tensor {
  const { host, storage, backend, kept } = eagerState(t, "a variable");
  if (!kept) return sameElements(keep(t));
  if (host !== undefined) return keep(wrapHost(typeOf(t), host.slice()));
  const shape = t.shape as readonly number[];
  const operand = { shape, dtype: physicalDType(backend!, t.dtype) };
  const copies = (backend as Backend).kernels["reshape"]!([{ ...operand, storage: storage! }], { shape }, [operand]);
  return keep(wrapStorage(typeOf(t), backend!, copies[0]!));
}

/** A variable that training minimizes over. */
export class Parameter<D extends Domain = any> extends Variable<D> {}
