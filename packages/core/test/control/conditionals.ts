/** Conditionals that the tests of them share: two branches over a weight, a bias and drawn tensors, and the branch that is taken. */
import { add, cond, linear, matmul, mul, normal, ones, Parameter, sin, sum, tanh, zeros, type Tensor } from "../../src/index.js";

/** What cond means where the condition's value is there. */
export const chosen: typeof cond = (condition, whenTrue, whenFalse) => (condition.item() === 0 ? whenFalse() : whenTrue());

export const size = 3;
export const weight = new Parameter(zeros([size, size]), { name: "weight" });
export const bias = new Parameter(zeros([size]), { name: "bias" });

export const draw = () => {
  weight.value = normal([size, size], 0, 0.5);
  bias.value = normal([size]);
  return { x: normal([2, size]), y: normal([2, size]), unread: normal([2]) };
};

/** Branches that read variables and tensors of both, of one alone, and of none; that compute different things; and put out what they were given. */
export const lossOf =
  (choose: typeof cond, condition: Tensor) =>
  ({ x, y }: ReturnType<typeof draw>): Tensor => {
    const { a, b, c } = choose(
      condition,
      () => ({ a: tanh(linear(x, weight.value, bias.value)), b: sin(mul(x, x)), c: x }),
      () => ({ a: mul(matmul(y, weight.value), x), b: ones([2, size]), c: tanh(y) }),
    );
    return add(sum(mul(a, a)), add(sum(mul(b, y)), sum(mul(c, mul(c, c)))));
  };
