/** Sequences of tensors, as exporters have them for lists: how many there are is known before the program runs. */
import { concat, ErmineError, reshape, split, stack, type Tensor } from "@ermine/core";
import { Value } from "../value.js";
import { normalizedAxis } from "./axes.js";
import type { Call, Entries, Operator } from "./operator.js";

function itemsOf(call: Call): readonly Value[] {
  const { items } = call.value(0);
  if (items === undefined) throw new ErmineError("ERMINE_DATA", "It takes a sequence, and is given a tensor.");
  return items;
}

const splitToSequence: Operator = {
  run(call) {
    const x = call.tensor(0);
    const axis = normalizedAxis(call.attributes.int("axis", 0), x.rank);
    const given = call.has(1) ? call.numbers(1) : [1];
    // One number is the size of each piece, a list has the size of each.
    const isEach = !call.has(1) || call.value(1).rank === 0;
    const pieces = split(x, isEach ? given[0]! : given, axis);
    const isSqueezed = !call.has(1) && !call.attributes.flag("keepdims", true);
    const shaped = (t: Tensor): Tensor =>
      isSqueezed
        ? reshape(
            t,
            t.shape.filter((_, i) => i !== axis),
          )
        : t;
    return Value.sequence(pieces.map((t) => Value.of(shaped(t))));
  },
  statics: [1],
};

const at: Operator = {
  run(call) {
    const items = itemsOf(call);
    const position = call.number(1);
    const item = items[position < 0 ? position + items.length : position];
    if (item === undefined)
      throw new ErmineError("ERMINE_VALUE", `The sequence has ${items.length} tensors, and the one at ${position} is asked for.`);
    return item;
  },
  statics: [1],
};

const joined: Operator = {
  run(call) {
    const tensors = itemsOf(call).map((item) => item.tensor);
    const axis = call.attributes.int("axis", 0);
    if (call.attributes.flag("new_axis")) return stack(tensors, normalizedAxis(axis, tensors[0]!.rank + 1));
    return concat(tensors, normalizedAxis(axis, tensors[0]!.rank));
  },
};

export const sequences: Entries = [
  ["SequenceConstruct", { run: (call) => Value.sequence(call.inputs.map((_, i) => call.value(i))) }],
  ["SplitToSequence", splitToSequence],
  ["SequenceAt", at],
  ["SequenceLength", { run: (call) => Value.host({ shape: [], dtype: "int32", elements: [itemsOf(call).length] }) }],
  ["ConcatFromSequence", joined],
];
