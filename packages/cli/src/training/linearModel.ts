/** Linear models with a little weight decay, fitted to their minimum: baselines, and where networks begin. */
import { add, compile, mul, permute, square, sum, tensor, valueAndGrad, type Backend, type Tensor } from "@ermine/core";
import type { BatchTensors } from "@ermine/trainer";
import { LinearPart } from "../network/linearPart.js";
import type { TableInputs, TableShape } from "../network/tableShape.js";
import { minimize } from "./minimize.js";

/** Rows and what they count for, as tensors. */
export interface LinearProblem {
  readonly inputs: TableInputs;
  /** (N, members). */
  readonly target: Tensor;
  /** (N, members): of each member, what a row counts for; those of a member are 1 together. */
  readonly weight: Tensor;
  /** Σ value of the members: `memberCrossEntropy` or `memberSquaredError`. */
  readonly loss: (outputs: Tensor, batch: BatchTensors) => Tensor;
  /** λ of each member: the penalty is λ/2 · Σ w², biases left out. */
  readonly decay: readonly number[];
}

/**
 * The members' linear models, each at the minimum of Σ weight · loss + λ/2 · Σ w²: ridge regression, or multinomial logistic regression.
 *
 * @returns a part whose members they are
 */
export async function fitLinear(shape: TableShape, problem: LinearProblem, backend: Backend): Promise<LinearPart> {
  const members = problem.decay.length;
  const part = new LinearPart(members, shape);
  const { inputs, target, weight, loss } = problem;
  const decay = tensor([...problem.decay], { shape: [members, 1, 1] });
  const ofTables = tensor(
    problem.decay.flatMap((value) => Array.from({ length: shape.outputs }, () => value)),
    { shape: [1, members * shape.outputs] },
  );
  const parameters = [...part.parameters()];
  const objective = compile(
    () =>
      valueAndGrad(() => {
        const outputs = permute(part.forward(...inputs), [1, 0, 2]);
        const risk = sum(loss(outputs, { inputs: [...inputs], targets: { target, weight }, sampleWeights: undefined }));
        const penalties = part.tables.map((table) => sum(mul(ofTables, square(table.value))));
        if (part.weight !== undefined) penalties.push(sum(mul(decay, square(part.weight.value))));
        return penalties.reduce<Tensor>((total, penalty) => add(total, mul(0.5, penalty)), risk);
      }, parameters),
    { backend, name: "linear model" },
  );
  try {
    const sizes = parameters.map((parameter) => parameter.value.size as number);
    const write = (x: Float64Array): void => {
      let from = 0;
      parameters.forEach((parameter, i) => {
        parameter.write(Float32Array.from(x.subarray(from, from + sizes[i]!)));
        from += sizes[i]!;
      });
    };
    const at = async (x: Float64Array) => {
      write(x);
      const { value, grads } = objective();
      const gradient = new Float64Array(x.length);
      let from = 0;
      for (const grad of grads) {
        gradient.set(await grad.data(), from);
        from += grad.size as number;
        grad.dispose();
      }
      const [number] = await value.data();
      value.dispose();
      return { value: number!, gradient };
    };
    write(await minimize(at, new Float64Array(sizes.reduce((a, b) => a + b, 0))));
  } finally {
    objective.dispose();
  }
  return part;
}
