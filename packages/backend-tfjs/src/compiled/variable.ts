/** A variable's place: a tensor until a program with the variable is run, and from then on a variable of that program's session. */
import type { DType, TypedArray } from "@ermine/core";
import { type Storage, type VariableStorage, allocate, bytesPerElement } from "@ermine/core/backend";
import { fitting, TfStorage, type Eager } from "../eager.js";
import { dataType, type Binding } from "../native/binding.js";
import type { Session, SessionVariable } from "./session.js";

/** The variables of a backend. */
export interface Variables {
  readonly binding: Binding;
  readonly eager: Eager;
  readonly live: Set<TfVariable>;
  /** Makes a name that no other variable or program of the backend has. */
  name(kind: "v" | "p"): string;
}

export class TfVariable implements VariableStorage, SessionVariable {
  readonly #home: Variables;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly bytes: number;
  /** In graphs. */
  readonly name: string;
  #session: Session | undefined;
  /** A tensor with the elements, where the session does not have them yet. */
  #value: number | undefined;

  /** @param initial a storage that becomes the variable's own */
  constructor(home: Variables, shape: readonly number[], dtype: DType, initial?: Storage) {
    home.eager.checkAlive();
    this.#home = home;
    this.shape = shape;
    this.dtype = dtype;
    this.bytes = shape.reduce((a, b) => a * b, bytesPerElement[dtype]);
    this.name = home.name("v");
    if (initial !== undefined) this.#value = home.eager.surrender(initial);
    home.live.add(this);
  }

  get session(): Session | undefined {
    return this.#session;
  }

  pending(): number {
    return (this.#value ??= this.#create(allocate(this.dtype, this.#length)));
  }

  settle(): void {
    if (this.#value !== undefined) this.#home.binding.deleteTensor(this.#value);
    this.#value = undefined;
  }

  look(): void {
    if (this.#value === undefined) this.#session?.view(this);
  }

  move(session: Session): void {
    if (this.#session !== undefined) this.#value ??= this.#session.takeView(this);
    this.#session = session;
  }

  snapshot(): Storage {
    const { eager } = this.#home;
    eager.checkAlive();
    return eager.adopt(eager.execute("Identity", [this.#current()], {}, 1)[0]!, this.shape, this.dtype);
  }

  async read(): Promise<TypedArray> {
    this.#home.eager.checkAlive();
    return this.#home.binding.tensorDataSync(this.#current());
  }

  write(data: TypedArray | Storage): void {
    const { binding, eager } = this.#home;
    eager.checkAlive();
    const id = ArrayBuffer.isView(data)
      ? this.#create(data as TypedArray)
      : eager.execute("Identity", [eager.check(data).id], {}, 1)[0]!;
    if (this.#value !== undefined) binding.deleteTensor(this.#value);
    this.#value = id;
    this.#session?.forgetView(this);
    this.#session?.written.add(this);
  }

  take(): Storage {
    const { eager, live } = this.#home;
    // Of a backend that was disposed of: whatever is asked of it is refused.
    if (!live.has(this)) return new TfStorage(-1, this.shape, this.dtype);
    const id = this.#value ?? this.#session?.takeView(this) ?? this.pending();
    this.#value = undefined;
    this.#end();
    return eager.adopt(id, this.shape, this.dtype);
  }

  release(): void {
    this.settle();
    this.#end();
  }

  #end(): void {
    this.#home.live.delete(this);
    this.#session?.leave(this);
    this.#session = undefined;
  }

  get #length(): number {
    return this.shape.reduce((a, b) => a * b, 1);
  }

  #create(data: TypedArray): number {
    return this.#home.binding.createTensor(this.shape, dataType[this.dtype], fitting(data, this.dtype));
  }

  #current(): number {
    return this.#value ?? this.#session?.view(this) ?? this.pending();
  }
}
