/**
 * Single kernels as compiled programs over variables: nothing is copied in or out, and the call into the backend is all that comes
 * on top of the kernel.
 */
import {
  convolution,
  crossEntropy,
  ctc,
  logSoftmax,
  matmul,
  mul,
  softplus,
  sum,
  tanh,
  tensor,
  valueAndGrad,
  Variable,
  zeros,
  type Activation,
  type Backend,
  type Tensor,
} from "@ermine/core";
import { compileModule, graphModule, traceEntry } from "@ermine/core/backend";
import { findActivation } from "@ermine/core/catalog";
import { adamw } from "@ermine/trainer";
import { labels, uniform } from "../numbers.js";
import { product } from "../model.js";
import { adamwOptions, type Kernel } from "../task.js";
import type { Work } from "./player.js";

const place = (shape: readonly number[], seed: number): Variable =>
  new Variable(tensor(uniform(product(shape), seed), { shape }), { trainable: true });
const empty = (shape: readonly number[]): Variable => new Variable(zeros(shape), { trainable: false });

/** Runs `body` under a trace; what it gives goes into the variables `into`. */
function programWork(backend: Backend, into: readonly Variable[], body: () => readonly Tensor[]): Work {
  const { graph } = traceEntry("kernel", () => {
    body().forEach((value, i) => (into[i]!.value = value));
    return [];
  });
  const program = compileModule(backend, graphModule({ kernel: graph }));
  return {
    engine: backend.engine,
    step() {
      program.run("kernel", {});
      return undefined;
    },
    dispose: () => program.dispose(),
  };
}

function gemm(backend: Backend, size: number): Work {
  const [a, b, c] = [place([size, size], 1), place([size, size], 2), empty([size, size])];
  return programWork(backend, [c], () => [matmul(a.value, b.value)]);
}

const mishInOps = (x: Tensor): Tensor => mul(x, tanh(softplus(x)));

function elementwise(backend: Backend, f: (x: Tensor) => Tensor, backward: boolean, length: number): Work {
  const [x, g, result] = [place([length], 1), place([length], 2), empty([length])];
  if (!backward) return programWork(backend, [result], () => [f(x.value)]);
  return programWork(backend, [result], () => valueAndGrad(() => sum(mul(f(x.value), g.value)), [x]).grads);
}

/** The backward op from (gradient, input, output), which lie ready as they would in a step. */
function activation(backend: Backend, name: string, backward: boolean, length: number): Work {
  const f = findActivation(name).activation as Activation;
  const { gradient } = f.op;
  if (!backward || gradient === undefined) return elementwise(backend, f, backward, length);
  const [x, y, g, result] = [place([length], 1), empty([length]), place([length], 2), empty([length])];
  return programWork(backend, [result], () => [gradient([g.value], [x.value], [y.value], f.defaults, [true])[0]!]);
}

function conv2d(backend: Backend, { part, batch, channels, side }: Extract<Kernel, { name: "conv2d" }>): Work {
  const [input, output] = channels;
  const [x, w] = [place([batch, input, side, side], 1), place([output, input, 3, 3], 2)];
  const y = empty([batch, output, side, side]);
  const forward = (): Tensor => convolution(x.value, w.value, undefined, { stride: 1, padding: 1 });
  if (part === "forward") return programWork(backend, [y], () => [forward()]);
  const [toX, toW] = [empty(x.shape), empty(w.shape)];
  const g = place(y.shape, 3);
  return programWork(backend, [toX, toW], () => valueAndGrad(() => sum(mul(forward(), g.value)), [x, w]).grads);
}

function adamwStep(backend: Backend, length: number): Work {
  const optimizer = adamw(adamwOptions);
  const [p, g, m, v] = [place([length], 1), place([length], 2), empty([length]), empty([length])];
  const scalars = new Variable(tensor(Float32Array.from(optimizer.scalars({ step: 10, epoch: 0 }))), { trainable: false });
  return programWork(backend, [p, m, v], () => {
    const next = optimizer.update({ parameters: [p.value], slots: [[m.value, v.value]] }, [g.value], scalars.value);
    return [next.parameters[0]!, ...next.slots[0]!];
  });
}

function crossEntropyRows(backend: Backend, rows: number, classes: number): Work {
  const [x, loss, toX] = [place([rows, classes], 1), empty([]), empty([rows, classes])];
  const y = new Variable(tensor(labels(rows, classes, 2), { dtype: "int32" }), { trainable: false });
  return programWork(backend, [loss, toX], () => {
    const { value, grads } = valueAndGrad(() => crossEntropy(x.value, y.value), [x]);
    return [value, grads[0]!];
  });
}

/** The loss of logits (steps, batch, classes), every sequence of full length, and its gradient. */
function ctcLoss(backend: Backend, { steps, batch, classes, labels: size }: Extract<Kernel, { name: "ctc" }>): Work {
  const shape = [steps, batch, classes];
  const [x, loss, toX] = [place(shape, 1), empty([]), empty(shape)];
  const int32 = (values: Int32Array, sizes: readonly number[]): Variable =>
    new Variable(tensor(values, { dtype: "int32", shape: sizes }), { trainable: false });
  // Classes after the blank, which is the first.
  const targets = int32(
    labels(batch * size, classes - 1, 2).map((label) => label + 1),
    [batch, size],
  );
  const counts = [steps, size].map((count) => int32(new Int32Array(batch).fill(count), [batch])) as [Variable, Variable];
  return programWork(backend, [loss, toX], () => {
    const { value, grads } = valueAndGrad(() => ctc(logSoftmax(x.value), targets.value, counts[0].value, counts[1].value), [x]);
    return [value, grads[0]!];
  });
}

/** What the machine itself does: as many numbers moved from one array to another. */
function copy(length: number): Work {
  const [from, to] = [uniform(length, 1), new Float32Array(length)];
  return {
    engine: `V8 ${process.versions.v8}`,
    step() {
      to.set(from);
      return undefined;
    },
  };
}

export function kernelWork(kernel: Kernel, backend: Backend): Work {
  if (kernel.name === "copy") return copy(kernel.length);
  if (kernel.name === "gemm") return gemm(backend, kernel.size);
  if (kernel.name === "activation") return activation(backend, kernel.activation, kernel.backward, kernel.length);
  if (kernel.name === "mishInOps") return elementwise(backend, mishInOps, kernel.backward, kernel.length);
  if (kernel.name === "crossEntropyRows") return crossEntropyRows(backend, kernel.rows, kernel.classes);
  if (kernel.name === "ctc") return ctcLoss(backend, kernel);
  return kernel.name === "adamw" ? adamwStep(backend, kernel.length) : conv2d(backend, kernel);
}
