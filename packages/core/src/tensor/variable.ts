/**
 * A named place whose tensor changes: a parameter, an optimizer's moment, a running mean. Inside a trace it is read as a
 * graph's variable; while an executable owns it, eager reads and writes go through to that executable.
 */
import { pauseTapes } from "../autograd/tape.js";
import type { Backend, Executable, TensorType } from "../backend/contract.js";
import { ErmineError } from "../errors.js";
import { currentTrace, withoutTrace } from "../graph/trace.js";
import { apply1, retype, withDomain } from "../ops/definition.js";
import { reshapeOp } from "../ops/shape.js";
import { formatShape, sameShape } from "./dim.js";
import type { Domain, TypedArray } from "./dtype.js";
import { adopt, keep } from "./scope.js";
import { eagerState, release, storageOn, Tensor, typeOf, wrapHost, wrapStorage } from "./tensor.js";

interface Owner {
  readonly executable: Executable;
  readonly backend: Backend;
  readonly index: number;
}

/** Variables that stand for another tensor for a while: how `valueAndGrad` watches them. Innermost last. */
const substitutions: Map<Variable, Tensor>[] = [];

/** @internal */
export function withSubstitutions<T>(map: Map<Variable, Tensor>, fn: () => T): T {
  substitutions.push(map);
  try {
    return fn();
  } finally {
    substitutions.pop();
  }
}

// `any`, as for Tensor: a plain Variable fits everywhere.
export class Variable<D extends Domain = any> {
  readonly type: TensorType;
  /** For messages; a module's path where it has one. */
  name: string;
  /** A frozen one gets no gradient. */
  trainable: boolean;
  #tensor: Tensor | undefined;
  #owner: Owner | undefined;

  constructor(initial: Tensor<D>, options: { name?: string; trainable?: boolean } = {}) {
    this.type = typeOf(initial);
    this.name = options.name ?? "variable";
    this.trainable = options.trainable ?? true;
    this.#tensor = exclusive(initial);
  }

  get shape(): readonly number[] {
    return this.type.shape as readonly number[];
  }

  /** The tensor now. Writing replaces it; shape and dtype stay. */
  get value(): Tensor<D> {
    for (let i = substitutions.length - 1; i >= 0; i--) {
      const substitute = substitutions[i]!.get(this);
      if (substitute !== undefined) return substitute as Tensor<D>;
    }
    const trace = currentTrace();
    if (trace !== undefined) return trace.readVariable(this) as Tensor<D>;
    const t = this.eagerValue() as Tensor<D>;
    return this.#owner === undefined ? t : adopt(t, 4 * t.size);
  }

  set value(next: Tensor) {
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
    this.#write(withDomain(next, domain));
  }

  #write(next: Tensor): void {
    const trace = currentTrace();
    if (trace !== undefined) {
      trace.writeVariable(this, next);
      return;
    }
    const state = eagerState(next, `${this.name}.value =`);
    if (this.#owner !== undefined) {
      const { executable, backend, index } = this.#owner;
      executable.write(index, state.host ?? storageOn(next, backend, `${this.name}.value =`));
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
    if (this.#owner !== undefined) return this.#owner.executable.read(this.#owner.index);
    return this.#tensor!.data();
  }

  /** Replaces the numbers. */
  write(data: TypedArray): void {
    const length = this.shape.reduce((a, b) => a * b, 1);
    if (data.length !== length) {
      throw new ErmineError("ERMINE_SHAPE", `${this.name} has ${length} numbers, got ${data.length}.`);
    }
    if (this.#owner !== undefined) {
      this.#owner.executable.write(this.#owner.index, data);
      return;
    }
    this.#replace(keep(wrapHost(this.type, data.slice())));
  }

  /** @internal The tensor outside of traces and substitutions; a snapshot while an executable owns it. */
  eagerValue(): Tensor {
    if (this.#owner === undefined) return this.#tensor!;
    const { executable, backend, index } = this.#owner;
    return wrapStorage(this.type, backend, executable.snapshot(index));
  }

  /** @internal From now on the numbers live in `executable`. */
  own(executable: Executable, backend: Backend, index: number): void {
    if (this.#owner !== undefined) {
      throw new ErmineError(
        "ERMINE_USAGE",
        `${this.name} is already in use by another compiled program. Dispose that one first.`,
      );
    }
    this.#owner = { executable, backend, index };
    if (this.#tensor !== undefined) release(this.#tensor);
    this.#tensor = undefined;
  }

  /** @internal Takes the numbers back, before the executable goes. */
  disown(executable: Executable): void {
    if (this.#owner?.executable !== executable) return;
    const tensor = this.eagerValue();
    this.#owner = undefined;
    this.#tensor = keep(tensor);
  }

  get owned(): boolean {
    return this.#owner !== undefined;
  }
}

/** The tensor itself, kept; a copy where another variable or `keep` holds it already. */
function exclusive(t: Tensor): Tensor {
  const { host, kept } = eagerState(t, "a variable");
  if (!kept) return keep(t);
  if (host !== undefined) return keep(wrapHost(typeOf(t), host.slice()));
  return keep(pauseTapes(() => withoutTrace(() => retype([apply1(reshapeOp, [t], { shape: t.shape })], [typeOf(t)])[0]!)));
}

/** A variable that training minimizes over. */
export class Parameter<D extends Domain = any> extends Variable<D> {}
