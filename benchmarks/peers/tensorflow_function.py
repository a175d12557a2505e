"""TensorFlow, the step as one tf.function, with Keras's AdamW: python tensorflow_function.py"""
import os

from protocol import Absent, is_random, read_task, serve
from tensorflow_model import Model

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


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
    parameters, batches = read_task(task)
    model = Model(tf, np, task["model"], task["parameters"], parameters)
    variables = list(model.parameters.values())

    def last(value):
        """An image with its channels last."""
        return value.transpose([0] + list(range(2, value.ndim)) + [1]) if model.images and value.ndim > 2 else value

    batches = [(tf.constant(last(x)), tf.constant(last(y))) for x, y in batches]
    count = [0]

    def following():
        count[0] += 1
        return batches[(count[0] - 1) % len(batches)]

    engine = "TensorFlow " + tf.__version__ + ", tf.function"
    if task["kind"] == "predict":
        output = tf.function(lambda x: model(x, False, False))
        return {"engine": engine, "step": lambda: output(following()[0]).numpy().flat[0].item()}
    optimizer = tf.keras.optimizers.AdamW(1e-3, weight_decay=0.01, beta_1=0.9, beta_2=0.999, epsilon=1e-8)
    optimizer.build(variables)

    def loss_of(x, y, dropout):
        output = model(x, True, dropout)
        if task["model"]["loss"] == "mse":
            return tf.reduce_mean(tf.math.squared_difference(output, y))
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, output))

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(x, y, True)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    work = {"engine": engine + ", Keras AdamW", "step": lambda: float(step(*following()).numpy())}
    if is_random(task["model"]["layers"]):
        work["loss"] = lambda: float(tf.function(loss_of)(*batches[0], False).numpy())
    return work


serve(prepare)
