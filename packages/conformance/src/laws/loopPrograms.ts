/** Calls of loops and conditionals: over a state, from the end, nested, over trees with integers. */
import * as e from "@ermine/core";
import type { Tensor } from "@ermine/core";
import { program } from "./program.js";

type Step = [carry: Tensor, y: Tensor];

export const loopPrograms = [
  program(
    "scan, a recurrent network",
    (n, d) => [d.real([5, 2, n]), d.real([2, 3]), d.real([3, n]), d.real([3, 3]), d.real([3])],
    (x, start, input, hidden, bias) =>
      e.scan(
        (h: Tensor, step: Tensor): Step => {
          const next = e.tanh(e.mul(e.add(e.linear(step, input!), e.linear(h, hidden!, bias)), 0.1));
          return [next, e.mul(next, step.shape.length)];
        },
        start!,
        x!,
      ),
    64,
  ),
  program(
    "scan, from the last step to the first",
    (n, d) => [d.real([n, 3]), d.real([3])],
    (x, start) =>
      e.scan((sum: Tensor, step: Tensor): Step => [e.mul(e.add(sum, step), 0.5), e.sin(sum)], start!, x!, { reverse: true }),
    64,
  ),
  program(
    "scan, one in another",
    (n, d) => [d.real([3, 4, n]), d.real([n]), d.real([])],
    (x, start, factor) =>
      e.scan(
        (outer: Tensor, rows: Tensor): Step => {
          const [inner, all] = e.scan(
            (c: Tensor, row: Tensor): Step => [e.tanh(e.mul(e.add(e.mul(c, factor!), e.mul(row, outer)), 0.2)), c],
            outer,
            rows,
            { reverse: true },
          );
          return [inner, e.mean(all, { axis: 0 })];
        },
        start!,
        x!,
      ),
    64,
  ),
  program(
    "scan, a tree with integers",
    (n, d) => [d.integers([4, n], 0, 4), d.real([5, 2])],
    (indices, table) => {
      const [{ count, sum }, rows] = e.scan(
        (carry: { count: Tensor; sum: Tensor }, at: Tensor): [typeof carry, Tensor] => {
          const row = e.indexSelect(table!, 0, at);
          return [{ count: e.add(carry.count, at), sum: e.add(carry.sum, e.mul(row, row)) }, row];
        },
        {
          count: e.zerosLike(e.squeeze(e.slice(indices!, [0, 0], [1, indices!.shape[1]!]), 0)),
          sum: e.zeros([indices!.shape[1]!, 2]),
        },
        indices!,
      );
      return [count, sum, rows];
    },
    64,
  ),
  ...[true, false].map((which) =>
    program(
      `cond, the ${which ? "first" : "second"} branch`,
      (n, d) => [d.real([3, n]), d.real([n]), d.integers([2], 0, 2)],
      (x, y, rows) =>
        Object.values(
          e.cond(
            e.equal(e.greater(e.amax(e.abs(y!)), -1), which),
            () => ({ a: e.indexSelect(x!, 0, rows!), b: e.tanh(y!), c: rows! }),
            () => ({ a: e.mul(e.indexSelect(x!, 0, e.add(rows!, 0)), y!), b: e.sin(e.mul(y!, y!)), c: e.add(rows!, 1) }),
          ),
        ),
      64,
    ),
  ),
  program(
    "cond, one in another and in a loop",
    (n, d) => [d.real([4, n]), d.real([n])],
    (x, start) =>
      e.scan(
        (c: Tensor, each: Tensor): Step => {
          const size = e.sum(each);
          const next = e.cond(
            e.greater(size, 0),
            () =>
              e.cond(
                e.greater(size, 1),
                () => e.mul(c, 0.5),
                () => e.tanh(e.add(c, each)),
              ),
            () => e.sin(e.mul(e.add(c, each), 0.3)),
          );
          return [next, e.mul(next, each)];
        },
        start!,
        x!,
      ),
    64,
  ),
];
