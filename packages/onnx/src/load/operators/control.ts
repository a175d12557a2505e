/** Operators with graphs among their attributes: If, Loop and Scan. */
import {
  concat,
  cond,
  ErmineError,
  expandDims,
  flip,
  permute,
  reshape,
  scan,
  split,
  stack,
  type Size,
  type Tensor,
} from "@ermine/core";
import { apply1, sameShape } from "@ermine/core/define";
import { iotaOp } from "@ermine/core/backend";
import { OpenSize } from "../host.js";
import { readHost, Value } from "../value.js";
import { normalizedAxis } from "./axes.js";
import type { Call, Entries, Operator } from "./operator.js";

/** Is the condition true? undefined: that is not known before the program runs. */
function decided(value: Value): boolean | undefined {
  if (value.isKnown) return value.host!.elements[0] !== 0;
  const t = value.tensor;
  return t.state.kind === "eager" ? readHost(t).elements[0] !== 0 : undefined;
}

/** One of two branches: the one that the condition says, in the program where that is known only when it runs. */
const branch: Operator = {
  run(call) {
    const condition = call.value(0);
    const isTrue = decided(condition);
    if (isTrue !== undefined) return call.body(isTrue ? "then_branch" : "else_branch", []);
    let first: readonly Tensor[] | undefined;
    const run = (name: string) => (): readonly Tensor[] => {
      const results = call.body(name, []).map((value) => value.tensor);
      if (first !== undefined) checkBranches(first, results);
      first = results;
      return results;
    };
    return cond(reshape(condition.tensor, []), run("then_branch"), run("else_branch"));
  },
};

/** @throws ErmineError ERMINE_UNSUPPORTED where the branches give other shapes or element types */
function checkBranches(whenTrue: readonly Tensor[], whenFalse: readonly Tensor[]): void {
  whenTrue.forEach((t, i) => {
    const other = whenFalse[i];
    if (other !== undefined && sameShape(t.shape, other.shape) && t.dtype === other.dtype) return;
    const typeOf = (result: Tensor | undefined): string =>
      result === undefined ? "nothing" : `${result.dtype} [${result.shape.join(", ")}]`;
    throw new ErmineError(
      "ERMINE_UNSUPPORTED",
      `Its branches give ${typeOf(t)} and ${typeOf(other)}, and which one it is would be known only when the program runs. Run the model without compiling it.`,
    );
  });
}

/** Step after step, as long as the condition holds; compiled where it cannot change. */
const loop: Operator = {
  run(call) {
    const most = call.has(0) ? call.value(0) : undefined;
    const condition = call.has(1) ? call.value(1) : undefined;
    const carried = call.inputs.slice(2).map((_, i) => call.value(i + 2));
    const count = carried.length;
    const isTraced = [most, condition, ...carried].some(
      (value) => value !== undefined && value.host === undefined && value.tensor.state.kind === "traced",
    );
    const limit = most === undefined ? undefined : countOf(most);
    const isOpen = limit !== undefined && typeof limit !== "number";
    if (isOpen || (isTraced && limit !== undefined && limit > written)) return compiled(call, limit, carried);
    let state: readonly Value[] = carried;
    let goes = condition === undefined ? true : mustBeKnown(condition);
    const rows: Tensor[][] = [];
    for (let step = 0; goes && (limit === undefined || step < limit); step++) {
      if (step === mostSteps && (limit === undefined || limit > mostCounted))
        throw new ErmineError(
          "ERMINE_UNSUPPORTED",
          `The loop has run ${mostSteps} steps, and its condition still holds: it may have no end.`,
        );
      const results = call.body("body", [
        Value.host({ shape: [], dtype: "int32", elements: [step] }),
        Value.host({ shape: [], dtype: "bool", elements: [1] }),
        ...state,
      ]);
      goes = mustBeKnown(results[0]!);
      state = results.slice(1, count + 1);
      rows.push(results.slice(count + 1).map((value) => value.tensor));
    }
    const stacked = call.outputs - count;
    if (rows.length === 0 && stacked > 0)
      throw new ErmineError("ERMINE_UNSUPPORTED", "A loop of no steps stacks tensors whose shapes nothing says.");
    return [
      ...state,
      ...Array.from({ length: stacked }, (_, i) =>
        stack(
          rows.map((row) => row[i]!),
          0,
        ),
      ),
    ];
  },
};

/** Steps that a trace has one after the other; more become a loop of the program. */
const written = 16;
/** A loop that does not say how many steps it takes is refused after these: its condition may always hold. */
const mostSteps = 10_000;
/** More steps are no number of steps, but that of a loop which its condition ends. */
const mostCounted = 1_000_000;

function countOf(value: Value): Size {
  const host = value.host ?? (value.tensor.state.kind === "eager" ? readHost(value.tensor) : undefined);
  const count = host?.elements[0];
  if (count !== undefined) return count;
  throw new ErmineError("ERMINE_UNSUPPORTED", "How many steps the loop has would be known only when the program runs.");
}

function mustBeKnown(condition: Value): boolean {
  const isTrue = decided(condition);
  if (isTrue !== undefined) return isTrue;
  throw new ErmineError(
    "ERMINE_UNSUPPORTED",
    "Whether the loop goes on depends on what it computes, which a compiled program cannot ask. Run the model without compiling it.",
  );
}

function compiled(call: Call, steps: Size, carried: readonly Value[]): readonly Tensor[] {
  const count = carried.length;
  const [last, rows] = scan(
    (carry: readonly Tensor[], at: Tensor): readonly [readonly Tensor[], readonly Tensor[]] => {
      const results = call.body("body", [
        Value.of(at),
        Value.host({ shape: [], dtype: "bool", elements: [1] }),
        ...carry.map((t) => Value.of(t)),
      ]);
      if (!mustBeKnown(results[0]!)) throw new ErmineError("ERMINE_UNSUPPORTED", "The loop ends in its first step.");
      const tensors = results.map((value) => value.tensor);
      return [tensors.slice(1, count + 1), tensors.slice(count + 1)];
    },
    carried.map((value) => value.tensor),
    apply1(iotaOp, [], { size: steps }),
  );
  return [...last, ...rows];
}

const toFront = (t: Tensor, axis: number): Tensor =>
  axis === 0 ? t : permute(t, [axis, ...t.shape.flatMap((_, i) => (i === axis ? [] : [i]))]);

const fromFront = (t: Tensor, axis: number): Tensor => {
  if (axis === 0) return t;
  const order = Array.from({ length: t.rank - 1 }, (_, i) => i + 1);
  order.splice(axis, 0, 0);
  return permute(t, order);
};

/** From version 9 on: state, and sequences along an axis each. */
const scanned: Operator = {
  run(call) {
    const sequences = call.attributes.int("num_scan_inputs", 1);
    const values = call.tensors();
    const states = values.length - sequences;
    const stacked = call.outputs - states;
    const list = (name: string, count: number): readonly number[] =>
      call.attributes.ints(name, undefined) ?? Array<number>(count).fill(0);
    const [axes, directions] = [list("scan_input_axes", sequences), list("scan_input_directions", sequences)];
    const xs = values.slice(states).map((t, i) => {
      const moved = toFront(t, normalizedAxis(axes[i]!, t.rank));
      return directions[i] === 1 ? flip(moved, 0) : moved;
    });
    const [last, rows] = stepped(call, values.slice(0, states), xs);
    const [outAxes, outDirections] = [list("scan_output_axes", stacked), list("scan_output_directions", stacked)];
    return [
      ...last,
      ...rows.map((t, i) => fromFront(outDirections[i] === 1 ? flip(t, 0) : t, normalizedAxis(outAxes[i]!, t.rank))),
    ];
  },
};

function stepped(call: Call, state: readonly Tensor[], xs: readonly Tensor[]): readonly [readonly Tensor[], readonly Tensor[]] {
  const count = state.length;
  return scan(
    (carry: readonly Tensor[], x: readonly Tensor[]): readonly [readonly Tensor[], readonly Tensor[]] => {
      const results = call
        .body(
          "body",
          [...carry, ...x].map((t) => Value.of(t)),
        )
        .map((value) => value.tensor);
      return [results.slice(0, count), results.slice(count)];
    },
    state,
    xs,
  );
}

/** Version 8: a batch along the first axis of everything. */
const batched: Operator = {
  run(call) {
    const sequences = call.attributes.int("num_scan_inputs", 1);
    if (call.has(0)) throw new ErmineError("ERMINE_UNSUPPORTED", "Its sequences have lengths of their own.");
    const values = call.inputs.slice(1).map((_, i) => call.tensor(i + 1));
    const states = values.length - sequences;
    const batch = values[0]!.shape[0]!;
    if (typeof batch !== "number") throw new OpenSize("How often a Scan of operator set 8 runs", [batch]);
    const directions = call.attributes.ints("directions", undefined) ?? [];
    const results = Array.from({ length: batch }, (_, b) => {
      const ofSample = values.map((t) => reshape(batch === 1 ? t : split(t, 1, 0)[b]!, t.shape.slice(1)));
      const xs = ofSample.slice(states).map((t, i) => (directions[i] === 1 ? flip(t, 0) : t));
      const [last, rows] = stepped(call, ofSample.slice(0, states), xs);
      return [...last, ...rows].map((t) => expandDims(t, 0));
    });
    return results[0]!.map((_, i) =>
      concat(
        results.map((row) => row[i]!),
        0,
      ),
    );
  },
};

export const control: Entries = [
  ["If", branch],
  ["Loop", loop],
  [
    "Scan",
    [
      [8, batched],
      [9, scanned],
    ],
  ],
];
