/** One of ONNX's backend node tests: a model of one node, inputs and the outputs that it must give. */
/** As onnx's own test runner has it. */
const relative = 1e-3;
const absolute = 1e-6;

/** What they give is drawn by NumPy's generator: elements are dropped elsewhere, and those that neither drops must agree. */
const drawn = new Set([
  "test_training_dropout",
  "test_training_dropout_default",
  "test_training_dropout_mask",
  "test_training_dropout_default_mask",
]);

/** How the outputs differ from what they must be; undefined: they do not. */
function difference(actual, expected, isDrawn) {
  if (actual.shape.join() !== expected.shape.join())
    return `the shape [${actual.shape.join(", ")}], not [${expected.shape.join(", ")}]`;
  if (actual.dtype !== expected.dtype) return `${actual.dtype}, not ${expected.dtype}`;
  const data = actual.dataSync();
  for (let i = 0; i < data.length; i++) {
    const [a, b] = [data[i], expected.data[i]];
    if (Object.is(a, b) || a === b || (isDrawn && (a === 0 || b === 0))) continue;
    if (!(Math.abs(a - b) <= absolute + relative * Math.abs(b))) return `${a}, not ${b}, at ${i}`;
  }
  return undefined;
}

/**
 * Runs cases by these copies of core and onnx.
 *
 * @param {typeof import("@ermine/core")} core
 * @param {typeof import("@ermine/onnx")} onnx
 */
export function caseRunner({ ErmineError, leaves, tensor, Tensor }, { loadModel, readTensorFile }) {
  return ({ name, model: bytes, sets }) => {
    try {
      const model = loadModel(bytes).eval();
      for (const { inputs, outputs } of sets) {
        const given = inputs.map((file) => {
          const { data, shape, dtype } = readTensorFile(file);
          return tensor(data, { shape, dtype });
        });
        const results = leaves(model.forward(...given)).filter((leaf) => leaf instanceof Tensor);
        for (const [i, file] of outputs.entries()) {
          const wrong = difference(results[i], readTensorFile(file), drawn.has(name));
          if (wrong !== undefined) return { result: "wrong", message: `output ${i}: ${wrong}` };
        }
      }
      return { result: "passed", message: "" };
    } catch (error) {
      if (error instanceof ErmineError) return { result: "refused", message: `${error.code} ${error.message}` };
      return { result: "crashed", message: `${error?.stack ?? error}` };
    }
  };
}

/** The cases of a sample that `sample.mjs` wrote. */
export const casesOf = (json) =>
  JSON.parse(json).map(({ name, op, tier, model, sets }) => ({
    name,
    op,
    tier,
    model: bytesOf(model),
    sets: sets.map(({ inputs, outputs }) => ({ inputs: inputs.map(bytesOf), outputs: outputs.map(bytesOf) })),
  }));

const bytesOf = (base64) => Uint8Array.from(Buffer.from(base64, "base64"));

/** Operators that ermine does not have, and a case of an operator set before 7: each says so. */
const missing = new Set([
  "Bernoulli",
  "BitCast",
  "BitwiseAnd",
  "BitwiseNot",
  "BitwiseOr",
  "BitwiseXor",
  "DeformConv",
  "Det",
  "LinearAttention",
  "NonMaxSuppression",
  "RoiAlign",
  "Unique",
  "ai.onnx.preview.FlexAttention",
  "ai.onnx.preview.training.Adagrad",
  "ai.onnx.preview.training.Adam",
  "ai.onnx.preview.training.Momentum",
]);
const tooOld = new Set(["test_not_2d", "test_not_3d", "test_not_4d"]);

/** Must the case pass? Expanded ones are functions of other operators. */
export function isSupported({ name, op }) {
  const isExpanded = name.endsWith("_expanded") && op !== "Bernoulli";
  return (!missing.has(op) || isExpanded) && !tooOld.has(name);
}
