// Vectors whose lanes are one constant are loaded from memory, those of innermost loops once before the loop. V8 writes a constant vector as three
// instructions (a number into a register, that into a vector, a shuffle), in Node 24 at every use, and cannot join two of them into 256 bits.

/** Addresses that the compiler leaves free for the constants (its --memoryBase is the end). */
export const constantsFrom = 16;
export const constantsTo = 2048;

/** The operands of each kind of expression that the kernels have, in the order in which they run. Of calls and blocks there are lists as well. */
const operands = {
  If: ["Condition", "IfTrue", "IfFalse"],
  Loop: ["Body"],
  Break: ["Value", "Condition"],
  Switch: ["Value", "Condition"],
  LocalSet: ["Value"],
  GlobalSet: ["Value"],
  Load: ["Ptr"],
  Store: ["Ptr", "Value"],
  Unary: ["Value"],
  Binary: ["Left", "Right"],
  Select: ["IfTrue", "IfFalse", "Condition"],
  Drop: ["Value"],
  Return: ["Value"],
  AtomicRMW: ["Ptr", "Value"],
  AtomicCmpxchg: ["Ptr", "Expected", "Replacement"],
  AtomicWait: ["Ptr", "Expected", "Timeout"],
  AtomicNotify: ["Ptr", "NotifyCount"],
  SIMDExtract: ["Vec"],
  SIMDReplace: ["Vec", "Value"],
  SIMDShuffle: ["Left", "Right"],
  SIMDTernary: ["A", "B", "C"],
  SIMDShift: ["Vec", "Shift"],
  SIMDLoad: ["Ptr"],
  SIMDLoadStoreLane: ["Ptr", "Vec"],
  MemoryCopy: ["Dest", "Source", "Size"],
  MemoryFill: ["Dest", "Value", "Size"],
};
const lists = { Block: "Child", Call: "Operand" };
const listSizes = { Block: "getNumChildren", Call: "getNumOperands" };
const leaves = ["Const", "LocalGet", "GlobalGet", "Nop", "Unreachable", "MemorySize"];

/**
 * Moves a module's constant vectors into its memory, from `constantsFrom` on.
 *
 * @param binaryen the library whose module it is
 * @returns how many there are
 */
export function moveConstantsToMemory(binaryen, module) {
  const kinds = new Map(
    [...Object.keys(operands), ...Object.keys(lists), ...leaves].map((kind) => [binaryen[`${kind}Id`], kind]),
  );

  function kindOf(expression) {
    const kind = kinds.get(binaryen.getExpressionId(expression));
    if (kind === undefined)
      throw new Error(`scripts/constants.mjs does not know the operands of: ${binaryen.emitText(expression)}`);
    return kind;
  }

  /** The places of an expression's operands: what is there, and how it is replaced. */
  function placesOf(expression, kind) {
    const of = binaryen[kind];
    const list = lists[kind];
    if (list !== undefined) {
      return Array.from({ length: of[listSizes[kind]](expression) }, (_, i) => ({
        value: of[`get${list}At`](expression, i),
        replace: (by) => of[`set${list}At`](expression, i, by),
      }));
    }
    // An operand that is left out is 0.
    return (operands[kind] ?? [])
      .map((name) => ({ value: of[`get${name}`](expression), replace: (by) => of[`set${name}`](expression, by) }))
      .filter(({ value }) => value !== 0);
  }

  /** The constant's bits where all lanes have the same; what one instruction makes, all zeros or all ones, stays where it is. */
  function lanesOf(constant) {
    if (binaryen.getExpressionType(constant) !== binaryen.v128) return undefined;
    const [first, ...others] = new Int32Array(Uint8Array.from(binaryen.Const.getValueV128(constant)).buffer);
    return first === 0 || first === -1 || others.some((lane) => lane !== first) ? undefined : first;
  }

  const table = [];
  const indexOf = (bits) => (table.includes(bits) ? table.indexOf(bits) : table.push(bits) - 1);
  const load = (index) => module.v128.load32_splat(0, 4, module.i32.const(constantsFrom + 4 * index));

  /**
   * Replaces the constants of the innermost loops at a place and below it.
   *
   * @param localOf the local that holds a constant of the table
   * @returns is there a loop, and which constants are in none
   */
  function hoist(place, localOf) {
    const kind = kindOf(place.value);
    if (kind === "Const") {
      const bits = lanesOf(place.value);
      return { loops: false, constants: bits === undefined ? [] : [{ place, index: indexOf(bits) }] };
    }
    const below = placesOf(place.value, kind).map((inner) => hoist(inner, localOf));
    const loops = below.some((part) => part.loops);
    const constants = below.flatMap((part) => part.constants);
    if (kind !== "Loop") return { loops, constants };
    if (loops || constants.length === 0) return { loops: true, constants };
    for (const { place: at, index } of constants) at.replace(module.local.get(localOf(index), binaryen.v128));
    const sets = [...new Set(constants.map(({ index }) => index))].map((index) => module.local.set(localOf(index), load(index)));
    place.replace(module.block(null, [...sets, place.value], binaryen.getExpressionType(place.value)));
    return { loops: true, constants: [] };
  }

  const functions = Array.from({ length: module.getNumFunctions() }, (_, i) => module.getFunctionByIndex(i));
  for (const fn of functions) {
    const { name, params, results, vars, body } = binaryen.getFunctionInfo(fn);
    if (body === 0) continue;
    const firstLocal = binaryen.expandType(params).length + vars.length;
    const held = [];
    let whole = body;
    const { constants } = hoist({ value: body, replace: (by) => (whole = by) }, (index) => {
      if (!held.includes(index)) held.push(index);
      return firstLocal + held.indexOf(index);
    });
    for (const { place, index } of constants) place.replace(load(index));
    if (held.length === 0) {
      if (whole !== body) binaryen.Function.setBody(fn, whole);
      continue;
    }
    module.removeFunction(name);
    module.addFunction(name, params, results, [...vars, ...held.map(() => binaryen.v128)], whole);
  }
  if (constantsFrom + 4 * table.length > constantsTo)
    throw new Error(`${table.length} vector constants: more than there is room for.`);
  addData(module, constantsFrom, new Uint8Array(Int32Array.from(table).buffer));
  return table.length;
}

/** What binaryen calls the memory of a module that imports it. */
const memory = "mimport$0";

/** Adds bytes at an address of the imported memory, next to those that are there. */
function addData(module, address, bytes) {
  const { module: from, base, initial, max, shared } = module.getMemoryInfo(memory);
  const segments = Array.from({ length: module.getNumDataSegments() }, (_, i) => {
    const { name, offset, data, passive } = module.getDataSegmentInfo(module.getDataSegmentByIndex(i));
    return { name, offset: passive ? 0 : module.i32.const(offset), data: new Uint8Array(data), passive };
  });
  segments.push({ name: "constants", offset: module.i32.const(address), data: bytes, passive: false });
  module.setMemory(initial, max, null, segments, shared, false, memory);
  module.addMemoryImport(memory, from, base, shared);
}
