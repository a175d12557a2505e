/**
 * A named place whose tensor changes: a parameter, an optimizer's moment, a running mean. Inside a trace it is read as a
 * graph's variable; while compiled programs have it, its elements are in one place of their backend's memory, where those programs, eager
 * reads and eager writes find them.
 */
import type { Backend } from "../ir/contract.js";
import type { GraphVariable, VariableStorage } from "../ir/graph.js";
import { checkAttached, elementsOf, isTypedArray, type AnyTypedArray } from "../types/arrays.js";
import { copyKey, copyMark, type CopyMark } from "../types/copy.js";
import { formatShape, sameShape } from "../types/dim.js";
import type { Domain, TypedArray } from "../types/dtype.js";
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

/** Where the elements are while programs have the variable. */
interface Placement {
  readonly backend: Backend;
  readonly storage: VariableStorage;
  /** Programs that have it. */
  holders: number;
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
 * What a variable is to a training.
 * - "parameter": what is minimized over.
 * - "buffer": what layers change themselves in a forward (running statistics), or a constant that is saved with the model.
 * - "slot": what an optimizer keeps for a parameter (momentum, second moment).
 * - "average": a slot that holds an average of the parameter along the way.
 * - "gradientSum": what the micro-batches of an update have added up so far.
 * - "counter": steps accepted on the device, by which steps in flight know of a refused one.
 */
export type VariableRole = "parameter" | "buffer" | "slot" | "average" | "gradientSum" | "counter";

// `any`, as for Tensor: a plain Variable fits everywhere.
/** A place whose tensor changes: a parameter, a buffer, what an optimizer keeps. */
export class Variable<D extends Domain = any> implements GraphVariable {
  /** The shape, dtype and domain of every tensor that it holds. */
  readonly type: TensorType;
  /** What it is to a training. Default: "parameter" of a `Parameter`, else "buffer". */
  readonly role: VariableRole;
  /** For messages; a module's path where it has one. */
  name: string;
  /** A frozen one gets no gradient. */
  trainable: boolean;
  #tensor: Tensor | undefined;
  #placement: Placement | undefined;

  constructor(
    initial: Tensor<D>,
    options: {
      /** For messages. Default: none. */
      name?: string;
      /** Do optimizers update it? Default true for a `Parameter`, false for other variables. */
      trainable?: boolean;
      /** What it is for. Default: that of its class. */
      role?: VariableRole;
    } = {},
  ) {
    checkTensor(new.target.name, initial);
    this.type = typeOf(initial);
    this.role = options.role ?? (this instanceof Parameter ? "parameter" : "buffer");
    this.name = options.name ?? "variable";
    this.trainable = options.trainable ?? true;
    this.#tensor = exclusive(initial);
  }

  /** @internal */
  get [copyKey](): CopyMark {
    return copyMark("Variable");
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
    return this.#placement === undefined ? t : adopt(t, 4 * t.size);
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
    const written = withDomain(next, domain);
    this.#write(written);
    if (context.recordings.length > 0) this.#record(written);
  }

  /** What the innermost tape that knows this variable has it as. */
  #recorded(): Tensor | undefined {
    const { recordings } = context;
    for (let i = recordings.length - 1; i >= 0; i--) if (recordings[i]!.has(this)) return recordings[i]!.get(this);
    return undefined;
  }

  /** From now on tapes know the variable by what was written. */
  #record(written: Tensor): void {
    const before = this.#recorded();
    let known: Tensor | undefined;
    if (tapesFollow(written)) known = written;
    else if (!tapesListen() && before !== undefined)
      known = aliasOf(context.trace === undefined ? (this.#tensor ?? written) : written, before);
    if (known !== undefined) holdOnTapes(known.state);
    for (const watched of context.recordings) watched.set(this, known);
  }

  #write(next: Tensor): void {
    const { trace } = context;
    if (trace !== undefined) {
      trace.writeVariable(this, next);
      return;
    }
    const state = eagerState(next, `${this.name}.value =`);
    if (this.#placement !== undefined) {
      const { storage, backend } = this.#placement;
      storage.write(state.host ?? storageOn(next, backend, `${this.name}.value =`));
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

  /** A copy of the numbers. */
  async data(): Promise<TypedArray> {
    if (this.#placement !== undefined) return this.#placement.storage.read();
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
    if (this.#placement !== undefined) this.#placement.storage.write(elements);
    else this.#replace(keep(wrapHost(this.type, elements === data ? elements.slice() : elements)));
    if (context.recordings.length > 0) pauseTapes(() => this.#record(adopt(this.eagerValue(), 4 * data.length)));
  }

  /** @internal The tensor outside of traces and tapes; a snapshot while programs have the variable. */
  eagerValue(): Tensor {
    if (this.#placement === undefined) return this.#tensor!;
    const { storage, backend } = this.#placement;
    return wrapStorage(this.type, backend, storage.snapshot());
  }

  /** The backend whose memory has the elements while compiled programs read and write them; undefined while none does. */
  get placedOn(): Backend | undefined {
    return this.#placement?.backend;
  }

  /**
   * @internal One more program of `backend` has the variable. The first one's moves the elements to a place of the backend's, without a copy where
   * they lie on it already. `letGo` is called when that program ends.
   *
   * @param create makes the place, of a storage that becomes its own, or with zeros
   * @throws ErmineError ERMINE_USAGE where programs of another backend have it
   */
  hold(backend: Backend, create: (initial?: Storage) => VariableStorage): VariableStorage {
    this.#placement ??= this.#place(backend, create);
    if (this.#placement.backend !== backend) throw this.#elsewhere(this.#placement.backend, backend);
    this.#placement.holders++;
    return this.#placement.storage;
  }

  #place(backend: Backend, create: (initial?: Storage) => VariableStorage): Placement {
    const value = this.#tensor!;
    const { host, storage: placed, backend: home } = eagerState(value, this.name);
    const isMoved = placed !== undefined && home === backend;
    const storage = create(isMoved ? placed : undefined);
    try {
      if (!isMoved) storage.write(host ?? storageOn(value, backend, this.name));
    } catch (error) {
      storage.release();
      throw error;
    }
    if (isMoved) surrender(value);
    else release(value);
    this.#tensor = undefined;
    const placement = { backend, storage, holders: 0 };
    abandoned.register(placement, storage, placement);
    return placement;
  }

  #elsewhere(home: Backend, backend: Backend): ErmineError {
    const other = home.name === backend.name ? `another instance of "${home.name}"` : `"${home.name}"`;
    return new ErmineError(
      "ERMINE_USAGE",
      `${this.name} is in use by a program of ${other}, and this program is for "${backend.name}": a variable is in the memory of one backend. ` +
        "Hand one backend to both (backend: …), or dispose of what has it first: trainer.dispose() for a trainer, dispose() for a compiled function.",
    );
  }

  /** @internal A program that had the variable has ended. After the last one the elements are a tensor again. */
  letGo(): void {
    const placement = this.#placement;
    if (placement === undefined || --placement.holders > 0) return;
    const { backend, storage } = placement;
    abandoned.unregister(placement);
    this.#placement = undefined;
    this.#tensor = keep(wrapStorage(this.type, backend, storage.take()));
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
