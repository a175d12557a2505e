/** Recurrent networks, one step after the other by core's loop. */
import {
  add,
  clamp,
  ErmineError,
  expandDims,
  indexSelect,
  less,
  matmul,
  mul,
  permute,
  reshape,
  scan,
  split,
  stack,
  sub,
  tensor,
  where,
  zeros,
  type Size,
  type Tensor,
} from "@ermine/core";
import { apply1 } from "@ermine/core/define";
import { iotaOp } from "@ermine/core/backend";
import { recurrentActivation } from "./activations.js";
import type { Call, Entries, Operator } from "./operator.js";

type Activation = (x: Tensor) => Tensor;
type State = readonly Tensor[];

/** One direction of a network. */
interface Direction {
  /** The input's part of the gates of all steps: [steps, batch, gates · hidden]. */
  readonly inputs: Tensor;
  /** [gates · hidden, hidden] */
  readonly recurrent: Tensor;
  /** [gates · hidden] */
  readonly recurrentBias: Tensor | undefined;
  readonly peepholes: readonly Tensor[] | undefined;
  readonly activations: readonly Activation[];
  readonly hidden: number;
  readonly call: Call;
}

type Step = (gates: Tensor, state: State, direction: Direction) => State;

interface Network {
  readonly gates: number;
  readonly states: number;
  readonly activations: readonly string[];
  readonly step: Step;
}

const hiddenPart = ({ recurrent, recurrentBias }: Direction, h: Tensor): Tensor => {
  const product = matmul(h, recurrent, { transposeB: true });
  return recurrentBias === undefined ? product : add(product, recurrentBias);
};

const rnn: Network = {
  gates: 1,
  states: 1,
  activations: ["Tanh"],
  step: (x, [h], direction) => [direction.activations[0]!(add(x, hiddenPart(direction, h!)))],
};

/** Gates z, r, h. */
const gru: Network = {
  gates: 3,
  states: 1,
  activations: ["Sigmoid", "Tanh"],
  step(x, [h], direction) {
    const { hidden, recurrent, recurrentBias, activations } = direction;
    const [f, g] = activations as [Activation, Activation];
    const [xz, xr, xh] = split(x, hidden, -1) as [Tensor, Tensor, Tensor];
    const [uz, ur, uh] = split(recurrent, hidden, 0) as [Tensor, Tensor, Tensor];
    const [bz, br, bh] = recurrentBias === undefined ? [] : split(recurrentBias, hidden, 0);
    const along = (t: Tensor, u: Tensor, b: Tensor | undefined): Tensor => {
      const product = matmul(t, u, { transposeB: true });
      return b === undefined ? product : add(product, b);
    };
    const z = f(add(xz, along(h!, uz, bz)));
    const r = f(add(xr, along(h!, ur, br)));
    const isLinear = direction.call.attributes.flag("linear_before_reset");
    const n = g(add(xh, isLinear ? mul(r, along(h!, uh, bh)) : along(mul(r, h!), uh, bh)));
    return [add(mul(sub(1, z), n), mul(z, h!))];
  },
};

/** Gates i, o, f, c. */
const lstm: Network = {
  gates: 4,
  states: 2,
  activations: ["Sigmoid", "Tanh", "Tanh"],
  step(x, [h, c], direction) {
    const { hidden, activations, peepholes, call } = direction;
    const [f, g, k] = activations as [Activation, Activation, Activation];
    const [gi, go, gf, gc] = split(add(x, hiddenPart(direction, h!)), hidden, -1) as [Tensor, Tensor, Tensor, Tensor];
    const seen = (gate: Tensor, at: number, cell: Tensor): Tensor =>
      peepholes === undefined ? gate : add(gate, mul(peepholes[at]!, cell));
    const i = f(seen(gi, 0, c!));
    const forget = call.attributes.flag("input_forget") ? sub(1, i) : f(seen(gf, 2, c!));
    const next = add(mul(forget, c!), mul(i, g(gc)));
    const o = f(seen(go, 1, next));
    return [mul(o, k(next)), next];
  },
};

/** The activations of one direction, within the clip where there is one. */
function activationsOf(call: Call, network: Network, direction: number): readonly Activation[] {
  const names = call.attributes.strings("activations", undefined);
  const [alphas, betas] = [call.attributes.floats("activation_alpha", []), call.attributes.floats("activation_beta", [])];
  const clip = call.attributes.float("clip", undefined);
  const count = network.activations.length;
  return network.activations.map((usual, i) => {
    const at = direction * count + i;
    const name = names?.[at] ?? usual;
    const activation = recurrentActivation(name, alphas[at], betas[at]);
    if (activation === undefined)
      throw new ErmineError("ERMINE_UNSUPPORTED", `The activation ${JSON.stringify(name)} is not known.`);
    return clip === undefined ? activation : (x) => activation(clamp(x, -clip, clip));
  });
}

const row = (t: Tensor, i: number): Tensor => reshape(indexSelect(t, 0, tensor(Int32Array.of(i))), t.shape.slice(1));

function recurrent(network: Network): Operator {
  return {
    run(call) {
      const isBatchFirst = call.attributes.int("layout", 0) === 1;
      const given = call.tensor(0);
      const x = isBatchFirst ? permute(given, [1, 0, 2]) : given;
      const [weights, recurrents, biases, lengths] = [call.tensor(1), call.tensor(2), call.optional(3), call.optional(4)];
      const hidden = call.attributes.int("hidden_size", recurrents.shape[2] as number);
      const [steps, batch] = x.shape as [Size, Size, Size];
      const direction = call.attributes.string("direction", "forward");
      const directions = direction === "bidirectional" ? 2 : 1;
      if ((weights.shape[0] as number) !== directions)
        throw new ErmineError(
          "ERMINE_DATA",
          `Its direction is ${JSON.stringify(direction)}, and its weights are of ${weights.shape[0]}.`,
        );
      const initial = [5, 6].slice(0, network.states).map((position) => {
        const t = call.optional(position);
        return t === undefined || !isBatchFirst ? t : permute(t, [1, 0, 2]);
      });
      const results = Array.from({ length: directions }, (_, d) => {
        const weight = row(weights, d);
        const [inputBias, recurrentBias] = biases === undefined ? [] : split(row(biases, d), network.gates * hidden, 0);
        const product = matmul(x, weight, { transposeB: true });
        const state = initial.map((t) => (t === undefined ? zeros([batch, hidden]) : row(t, d)));
        const peepholes = call.has(7) ? split(row(call.tensor(7), d), hidden, 0) : undefined;
        return overSteps(
          {
            inputs: inputBias === undefined ? product : add(product, inputBias),
            recurrent: row(recurrents, d),
            recurrentBias,
            peepholes,
            activations: activationsOf(call, network, d),
            hidden,
            call,
          },
          { step: network.step, state, lengths, steps, isReverse: direction === "reverse" || d === 1 },
        );
      });
      const sequence = stack(
        results.map(({ outputs }) => outputs),
        1,
      );
      const last = initial.map((_, i) =>
        stack(
          results.map(({ state }) => state[i]!),
          0,
        ),
      );
      if (!isBatchFirst) return [sequence, ...last];
      return [permute(sequence, [2, 0, 1, 3]), ...last.map((t) => permute(t, [1, 0, 2]))];
    },
  };
}

interface Walk {
  readonly step: Step;
  readonly state: State;
  /** How many steps each sequence has. */
  readonly lengths: Tensor | undefined;
  readonly steps: Size;
  readonly isReverse: boolean;
}

/** All steps: [steps, batch, hidden] of h, and the last state. After its end a sequence gives 0 and keeps its state. */
function overSteps(
  direction: Direction,
  { step, state, lengths, steps, isReverse }: Walk,
): { readonly outputs: Tensor; readonly state: State } {
  const places = apply1(iotaOp, [], { size: steps });
  const [last, outputs] = scan(
    (carry: State, [gates, at]: readonly [Tensor, Tensor]): readonly [State, Tensor] => {
      const next = step(gates, carry, direction);
      if (lengths === undefined) return [next, next[0]!];
      const isInside = expandDims(less(at, lengths), 1);
      return [next.map((t, i) => where(isInside, t, carry[i]!)), where(isInside, next[0]!, 0)];
    },
    state,
    [direction.inputs, places] as readonly [Tensor, Tensor],
    { reverse: isReverse },
  );
  return { outputs, state: last };
}

export const recurrentNetworks: Entries = [
  ["RNN", recurrent(rnn)],
  ["GRU", recurrent(gru)],
  ["LSTM", recurrent(lstm)],
];
