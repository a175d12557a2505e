"""TensorFlow, the step as one tf.function, with Keras's AdamW: python tensorflow_function.py"""
import os

from protocol import Absent, read_task, serve

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def forward(tf, model, p, x):
    def dense(y, name):
        return tf.linalg.matmul(y, p[name + ".weight"], transpose_b=True) + p[name + ".bias"]

    if model["kind"] == "mlp":
        last = len(model["sizes"]) - 2
        for i in range(last + 1):
            x = dense(x, str(2 * i))
            x = x if i == last else tf.nn.relu(x)
        return x
    if model["kind"] == "cnn":
        for name in ("0", "3"):
            x = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, p[name + ".weight"], 1, "SAME"), p[name + ".bias"]))
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        return dense(tf.reshape(x, [tf.shape(x)[0], -1]), "7")
    heads, width = model["heads"], model["width"]

    def norm(y, name):
        mean, variance = tf.nn.moments(y, -1, keepdims=True)
        return (y - mean) * tf.math.rsqrt(variance + 1e-5) * p[name + ".weight"] + p[name + ".bias"]

    n = tf.shape(x)[0]
    for i in range(model["blocks"]):
        own = "blocks.%d." % i
        all_three = tf.linalg.matmul(norm(x, own + "norm1"), p[own + "attention.in_proj_weight"], transpose_b=True)
        q, k, v = [
            tf.transpose(tf.reshape(t, [n, -1, heads, width // heads]), [0, 2, 1, 3])
            for t in tf.split(all_three + p[own + "attention.in_proj_bias"], 3, -1)
        ]
        weights = tf.nn.softmax(tf.linalg.matmul(q, k, transpose_b=True) / (width // heads) ** 0.5)
        joined = tf.reshape(tf.transpose(tf.linalg.matmul(weights, v), [0, 2, 1, 3]), [n, -1, width])
        x = x + dense(joined, own + "attention.out_proj")
        x = x + dense(tf.nn.gelu(dense(norm(x, own + "norm2"), own + "linear1")), own + "linear2")
    return dense(tf.reduce_mean(x, 1), "head")


def prepare(task, threads):
    try:
        import numpy as np
        import tensorflow as tf
    except ImportError:
        raise Absent({"needs": "TensorFlow", "remedy": "--python PATH of one that has tensorflow"})
    if task["kind"] not in ("train", "predict"):
        raise Absent({"cannot": "only training steps and predictions are written for it"})
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        pass  # It has started; the process was told by its environment too.
    model = task["model"]
    parameters, batches = read_task(task)
    cnn = model["kind"] == "cnn"

    def own(value):
        if value.ndim == 4:
            return value.transpose(2, 3, 1, 0)
        if cnn and value.ndim == 2:  # The features come channels last.
            side = model["side"] // 4
            return value.reshape(-1, model["channels"][1], side, side).transpose(0, 2, 3, 1).reshape(value.shape)
        return value

    p = {name: tf.Variable(np.ascontiguousarray(own(value))) for name, value in parameters.items()}
    batches = [(tf.constant(x.transpose(0, 2, 3, 1) if cnn else x), tf.constant(y)) for x, y in batches]
    variables = list(p.values())
    count = [0]

    def following():
        count[0] += 1
        return batches[(count[0] - 1) % len(batches)]

    engine = "TensorFlow " + tf.__version__ + ", tf.function"
    if task["kind"] == "predict":
        logits = tf.function(lambda x: forward(tf, model, p, x))
        return {"engine": engine, "step": lambda: float(logits(following()[0]).numpy()[0, 0])}
    optimizer = tf.keras.optimizers.AdamW(1e-3, weight_decay=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
    optimizer.build(variables)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, forward(tf, model, p, x)))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    return {"engine": engine + ", Keras AdamW", "step": lambda: float(step(*following()).numpy())}


serve(prepare)
