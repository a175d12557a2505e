/**
 * The law of arguments: whatever stands in a place where it does not belong (a value of another kind, an option that there is not, options where
 * a position is meant, an argument more) is refused by an ErmineError: never by a raw error, and never ignored.
 */
import { ErmineError, ones, tensor } from "@ermine/core";
import { checkArgument, checkArguments, checkDefinition, requireOptions } from "@ermine/core/define";
import { checkedRunner, type TestRunner } from "./runner.js";

/** Things of many kinds, of which most are wrong anywhere. */
const things = {
  undefined: () => undefined,
  null: () => null,
  "a boolean": () => true,
  "a string": () => "nonsense",
  "a whole number": () => 7,
  "a negative number": () => -3,
  "a fraction": () => 0.5,
  NaN: () => NaN,
  "a bigint": () => 1n,
  "a symbol": () => Symbol("nonsense"),
  "a function": () => () => 1,
  "an object": () => ({ nonsense: 1 }),
  "an array": () => [1, "nonsense"],
  "an array of numbers": () => [1],
  "a promise": () => Promise.resolve(1),
  "a Map": () => new Map([["nonsense", 1]]),
  "a date": () => new Date(0),
  "a typed array": (): Float32Array => Float32Array.of(1),
  "a float32 tensor": () => ones([2]),
  "an int32 tensor": () => tensor([1], { dtype: "int32" }),
  "a bool tensor": () => tensor([true]),
} as const satisfies Readonly<Record<string, () => unknown>>;

/** Values that the law puts in the place of an argument. */
export type Thing = keyof typeof things;

/** Each of them. */
export const allThings = Object.keys(things) as readonly Thing[];

/** One argument of a call. */
export interface ArgumentSpec {
  /** Makes a value that is right. */
  right(): unknown;
  /** Further values of its kind: each may be taken, or refused for its value. */
  readonly takes: readonly Thing[];
  /** It is an object of options: those that it has are read from the refusal of one that it has not, and each is tried. */
  readonly options?: {
    /** Options that may be a function, an object and a Date, or any text. */
    readonly open: readonly string[];
  };
}

/** A call that the law is tried on. */
export interface CallSpec {
  /** Runs it. */
  run(...args: readonly unknown[]): unknown;
  /** Its arguments, in order. */
  readonly arguments: readonly ArgumentSpec[];
  /**
   * Further arguments: none (default), those that `map` and `reduce` add (a place and the array), or any, where a function takes any number of arguments.
   */
  readonly more?: "mapped" | "any";
}

type Outcome = "taken" | ErmineError;

/** @throws Error for what is thrown that is no ErmineError, or says nothing */
async function outcomeOf(call: CallSpec, args: readonly unknown[], place: string): Promise<Outcome> {
  try {
    await call.run(...args);
    return "taken";
  } catch (error) {
    if (!(error instanceof ErmineError)) throw new Error(`${place}: a raw ${String(error)}`, { cause: error });
    if (error.message.includes("[object ")) throw new Error(`${place}: the message says nothing: ${error.message}`);
    return error;
  }
}

async function mustRefuse(call: CallSpec, args: readonly unknown[], place: string): Promise<ErmineError> {
  const outcome = await outcomeOf(call, args, place);
  if (outcome === "taken") throw new Error(`${place}: it was taken`);
  return outcome;
}

/** Options that no name is near to. */
const unknownOption = "~ ~ ~ ~ ~ ~ ~ ~";

async function checkOptionsOf(call: CallSpec, position: number, rights: readonly unknown[], faults: Faults): Promise<void> {
  const { open } = call.arguments[position]!.options!;
  const enough = (rights[position] ?? {}) as object;
  const withOptions = (options: object): readonly unknown[] => rights.with(position, { ...enough, ...options });
  let names: readonly string[] = [];
  await faults.collect(async () => {
    const { message } = await mustRefuse(call, withOptions({ [unknownOption]: 1 }), "an option that there is not");
    const [, list = ""] = message.split("It has: ");
    names = list
      .slice(0, -1)
      .split(", ")
      .filter((name) => name !== "" && name !== "none");
    const first = names[0];
    if (first === undefined) return;
    const near = await mustRefuse(call, withOptions({ [`${first}x`]: 1 }), `the option ${first}x`);
    if (!near.message.includes("Did you mean")) throw new Error(`the option ${first}x: no nearest name in: ${near.message}`);
  });
  for (const name of names) {
    if (open.includes(name)) continue;
    const outcomes: Outcome[] = [];
    for (const value of [() => 1, { nonsense: 1 }, new Date(0), Symbol("nonsense")]) {
      await faults.collect(async () => {
        outcomes.push(await outcomeOf(call, withOptions({ [name]: value }), `the option ${name}: ${String(value)}`));
      });
    }
    if (!outcomes.some((outcome) => outcome !== "taken")) faults.add(`the option ${name}: anything was taken`);
  }
}

class Faults {
  readonly #list: string[] = [];
  add(fault: string): void {
    this.#list.push(fault);
  }
  async collect(check: () => Promise<unknown>): Promise<void> {
    try {
      await check();
    } catch (error) {
      this.add(error instanceof Error ? error.message : String(error));
    }
  }
  throwAny(): void {
    if (this.#list.length > 0) throw new Error(this.#list.join("\n"));
  }
}

/** May a call end with the argument at that place, where others follow? */
const mayEnd = (all: readonly ArgumentSpec[], position: number): boolean =>
  position + 1 < all.length && all.slice(position + 1).every(({ takes }) => takes.includes("undefined"));

/**
 * Tries a call with every wrong thing in the place of each argument in turn.
 *
 * @throws Error that lists what was ignored, and what ended in a raw error
 */
export async function checkArgumentsOf(call: CallSpec): Promise<void> {
  const faults = new Faults();
  const rights = async (): Promise<unknown[]> => Promise.all(call.arguments.map((argument) => argument.right()));
  await faults.collect(async () => {
    const outcome = await outcomeOf(call, await rights(), "right arguments");
    if (outcome !== "taken") throw new Error(`right arguments were refused: ${outcome.message}`);
  });
  for (const [position, argument] of call.arguments.entries()) {
    for (const [name, make] of Object.entries(things)) {
      const place = `argument ${position + 1}, ${name}`;
      await faults.collect(async () => {
        const args = (await rights()).with(position, make());
        await (argument.takes.includes(name as Thing) ? outcomeOf : mustRefuse)(call, args, place);
      });
      if (!mayEnd(call.arguments, position)) continue;
      await faults.collect(async () => {
        const args = (await rights()).slice(0, position);
        await (argument.takes.includes(name as Thing) ? outcomeOf : mustRefuse)(call, [...args, make()], `${place}, the last`);
      });
    }
    if (argument.options !== undefined) await checkOptionsOf(call, position, await rights(), faults);
  }
  if (call.more !== "any") {
    await faults.collect(async () => mustRefuse(call, [...(await rights()), "more"], "an argument more"));
    await faults.collect(async () => mustRefuse(call, [...(await rights()), { nonsense: 1 }], "options after the last argument"));
  }
  if (call.more === "mapped") {
    await faults.collect(async () => {
      const outcome = await outcomeOf(call, [...(await rights()), 0, []], "a place and an array, as map adds them");
      if (outcome !== "taken") throw new Error(`what map adds was refused: ${outcome.message}`);
    });
  }
  faults.throwAny();
}

/** A call of everything that an entry exports. */
export interface ArgumentTable {
  /** The entry: `import * as entry`. */
  readonly exports: object;
  /** A call of each function and class. */
  readonly rows: Readonly<Record<string, CallSpec>>;
  /** Functions and classes that have none, and why. Default: none. */
  readonly without?: Readonly<Record<string, string>>;
  /** Calls of methods, under any names. Default: none. */
  readonly methods?: Readonly<Record<string, CallSpec>>;
}

/** @throws Error that names exports without a row, and rows without an export */
function checkComplete({ exports, rows, without = {} }: ArgumentTable): void {
  const callable = Object.entries(exports).flatMap(([name, value]) => (typeof value === "function" ? [name] : []));
  const missing = callable.filter((name) => !(name in rows) && !(name in without));
  if (missing.length > 0) throw new Error(`no row, and no reason to have none: ${missing.join(", ")}`);
  const stale = [...Object.keys(rows), ...Object.keys(without)].filter((name) => !callable.includes(name));
  if (stale.length > 0) throw new Error(`no export of that name: ${stale.join(", ")}`);
}

/** The fields of a package's `package.json` that the law reads. */
export interface PackageManifest {
  /** The package's name. */
  readonly name: string;
  /** Its entries: "." and "./part", with the files that they are. */
  readonly exports: object;
}

/** "@ermine/core/nn" of "./nn"; data and patterns are no entries. */
const entriesOf = ({ name, exports }: PackageManifest): readonly string[] =>
  Object.entries(exports).flatMap(([path, target]) => {
    const isModule = typeof target === "object" || (typeof target === "string" && /\.[cm]?js$/.test(target));
    return isModule ? [`${name}${path.slice(1)}`] : [];
  });

/**
 * The law of arguments for each entry of a package, and a test that there is no other entry: of what a package exports, everything that can be called is tried.
 *
 * @param manifest the package's `package.json`
 * @param tables the calls of each entry, by its name: "yours", "yours/part"
 * @example
 * // describe and it are your test runner's.
 * const manifest = { name: "yours", exports: { ".": { default: "./index.js" } } };
 * const entry = { twice: (x: Tensor) => mul(x, 2) };
 * const run = (...args: readonly unknown[]) => entry.twice(...(args as [Tensor]));
 * const rows = { twice: { run, arguments: [{ right: () => scalar(1), takes: [] }] } };
 * testPackageArguments(manifest, { yours: { exports: entry, rows } }, { describe, it });
 */
export function testPackageArguments(
  manifest: PackageManifest,
  tables: Readonly<Record<string, ArgumentTable>>,
  runner: TestRunner,
): void {
  checkArguments("testPackageArguments", arguments, 3);
  const signature = "testPackageArguments(manifest, tables, { describe, it })";
  checkArgument(signature, "manifest", manifest, "object");
  checkArgument(signature, "manifest.name", manifest.name, "string");
  checkArgument(signature, "manifest.exports", manifest.exports, "object");
  requireOptions<Readonly<Record<string, ArgumentTable>>>(
    "testPackageArguments",
    tables,
    Object.fromEntries(entriesOf(manifest).map((entry) => [entry, "object"])),
    "manifest",
  );
  const { it } = checkedRunner(signature, runner);
  it(`each entry of ${manifest.name} has a table of calls`, async () => {
    const missing = entriesOf(manifest).filter((entry) => tables[entry] === undefined);
    if (missing.length > 0) throw new Error(`no table: ${missing.join(", ")}`);
  });
  for (const [entry, table] of Object.entries(tables)) testArguments(entry, table, runner);
}

/**
 * The law of arguments as tests: a test for each call, and one that every function and class of the entry has a row or a reason to have none.
 *
 * @example
 * // describe and it are your test runner's.
 * const entry = { twice: (x: Tensor) => mul(x, 2) };
 * const run = (...args: readonly unknown[]) => entry.twice(...(args as [Tensor]));
 * testArguments("yours", { exports: entry, rows: { twice: { run, arguments: [{ right: () => scalar(1), takes: [] }] } } }, { describe, it });
 */
export function testArguments(name: string, table: ArgumentTable, runner: TestRunner): void {
  checkArguments("testArguments", arguments, 3);
  const signature = "testArguments(name, table, { describe, it })";
  checkArgument(signature, "name", name, "string");
  checkDefinition("testArguments", table, { exports: "object", rows: "object", methods: "object", without: "object" }, [
    "exports",
    "rows",
  ]);
  const { describe, it } = checkedRunner(signature, runner);
  describe(`the law of arguments, on ${name}`, () => {
    for (const [title, row] of [...Object.entries(table.rows), ...Object.entries(table.methods ?? {})])
      it(title, () => checkArgumentsOf(row), 60_000);
    it("every function and class has a row, or a reason to have none", async () => checkComplete(table));
  });
}
