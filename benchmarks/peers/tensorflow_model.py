"""Models in TensorFlow's ops, channels last, as its CPU kernels have it."""
from protocol import Absent

MOMENTUM, EPSILON = 0.1, 1e-5


def rearranged(np, spec, value):
    """A parameter as TensorFlow has it: convolutions [1 or H, W, in, out], depthwise ones [1 or H, W, in, out / in]; matrices stay [out, in]."""
    role = spec["role"]
    if role["kind"] == "plain":
        return value
    if role["kind"] == "matrix":
        if "features" not in role:
            return value
        axes = list(range(2, len(role["features"]) + 1))
        images = value.reshape([len(value)] + role["features"])
        return np.ascontiguousarray(images.transpose([0] + axes + [1])).reshape(value.shape)
    a, b, kernel = value.shape[0], value.shape[1], list(value.shape[2:])
    window = [1] * (2 - len(kernel)) + kernel
    groups = role.get("groups", 1)
    if groups == 1:
        return np.ascontiguousarray(value.reshape([a, b] + window).transpose(2, 3, 1, 0))
    return np.ascontiguousarray(value.reshape([groups, a // groups] + window).transpose(2, 3, 0, 1))


def check(layers):
    """Raises Absent where a layer has no kernel here."""
    for layer in layers:
        check(layer.get("branch", []) + layer.get("shortcut", []))
        if layer["kind"] == "convolution" and layer.get("groups", 1) not in (1, layer["in"]):
            raise Absent({"cannot": "its CPU kernels have no gradients of convolutions in groups of several channels"})


class Model:
    """Its parameters and running statistics by name, and the forward."""

    def __init__(self, tf, np, model, specs, parameters):
        check(model["layers"])
        self.tf = tf
        self.layers = model["layers"]
        self.images = model["input"].get("images", False)
        self.parameters = {
            spec["name"]: tf.Variable(rearranged(np, spec, parameters[spec["name"]]), name=spec["name"]) for spec in specs
        }
        self.running = {}
        self._statistics(self.layers, "")

    def _statistics(self, layers, prefix):
        for i, layer in enumerate(layers):
            name = prefix + str(i)
            self._statistics(layer.get("branch", []), name + ".branch.")
            self._statistics(layer.get("shortcut", []), name + ".shortcut.")
            if layer["kind"] == "batchNorm":
                zeros = self.tf.zeros([layer["features"]])
                self.running[name] = [self.tf.Variable(zeros, trainable=False), self.tf.Variable(zeros + 1, trainable=False)]

    def __call__(self, x, training, dropout):
        return self._run(self.layers, "", x, training, dropout)

    def _run(self, layers, prefix, x, training, dropout):
        for i, layer in enumerate(layers):
            x = self._layer(layer, prefix + str(i), x, training, dropout)
        return x

    def _layer(self, layer, name, x, training, dropout):
        tf, kind = self.tf, layer["kind"]
        if kind == "convolution":
            return self._bias(self._windows(layer, x, lambda y: self._convolution(layer, name, y)), name)
        if kind == "transposedConvolution":
            return self._bias(self._windows(layer, x, lambda y: self._transposed(layer, name, y)), name)
        if kind == "pooling":
            pool = tf.nn.max_pool2d if layer["reduce"] == "max" else tf.nn.avg_pool2d
            window = self._each(layer, layer["kernel"])
            return self._windows(layer, x, lambda y: pool(y, window, window, "VALID"))
        if kind == "batchNorm":
            return self._batch_norm(layer, name, x, training)
        if kind == "layerNorm":
            mean, variance = tf.nn.moments(x, -1, keepdims=True)
            return (x - mean) * tf.math.rsqrt(variance + EPSILON) * self.parameters[name + ".weight"] + self.parameters[name + ".bias"]
        if kind == "activation":
            return {"relu": tf.nn.relu, "relu6": tf.nn.relu6, "gelu": tf.nn.gelu, "tanh": tf.tanh, "sigmoid": tf.sigmoid}[layer["name"]](x)
        if kind == "flatten":
            return tf.reshape(x, [tf.shape(x)[0], x.shape[1:].num_elements()])
        if kind == "linear":
            return self._bias(self._dense(x, name + ".weight"), name)
        if kind == "dropout":
            return tf.nn.dropout(x, layer["p"]) if dropout else x
        if kind == "embedding":
            return tf.nn.embedding_lookup(self.parameters[name + ".weight"], x)
        if kind == "positions":
            return x + self.parameters[name + ".weight"]
        if kind == "mean":
            return tf.reduce_mean(x, [axis - 1 if self.images else axis for axis in layer["axes"]])
        if kind == "residual":
            around = self._run(layer["shortcut"], name + ".shortcut.", x, training, dropout) if "shortcut" in layer else x
            return self._run(layer["branch"], name + ".branch.", x, training, dropout) + around
        if kind == "recurrent":
            for i in range(layer.get("layers", 1)):
                x = self._recurrent(layer["cell"], name, i, x)
            return x
        if kind == "attention":
            return self._attention(layer, name, x)
        raise ValueError(kind)

    def _bias(self, x, name):
        bias = self.parameters.get(name + ".bias")
        return x if bias is None else self.tf.nn.bias_add(x, bias)

    def _dense(self, x, weight):
        return self.tf.linalg.matmul(x, self.parameters[weight], transpose_b=True)

    def _windows(self, layer, x, function):
        """Signals are images of height 1."""
        if layer["axes"] == 2:
            return function(x)
        return self.tf.squeeze(function(self.tf.expand_dims(x, 1)), [1])

    @staticmethod
    def _each(layer, value):
        return [1, value] if layer["axes"] == 1 else [value, value]

    def _padding(self, layer):
        padding = layer.get("padding", 0)
        height = padding if layer["axes"] == 2 else 0
        return [[0, 0], [height, height], [padding, padding], [0, 0]]

    def _convolution(self, layer, name, x):
        tf, weight = self.tf, self.parameters[name + ".weight"]
        strides, dilations = (self._each(layer, layer.get(key, 1)) for key in ("stride", "dilation"))
        if layer.get("groups", 1) > 1:
            return tf.nn.depthwise_conv2d(x, weight, [1] + strides + [1], self._padding(layer), dilations=dilations)
        if layer.get("dilation", 1) > 1:
            # The kernels have no gradients of dilation: this one takes the input apart instead.
            padded = tf.pad(x, self._padding(layer))
            return tf.nn.convolution(padded, weight, strides=strides, padding="VALID", dilations=dilations)
        return tf.nn.conv2d(x, weight, strides, self._padding(layer))

    def _transposed(self, layer, name, x):
        tf = self.tf
        stride, padding, kernel = layer.get("stride", 1), layer.get("padding", 0), layer["kernel"]
        grown = [(n - 1) * stride - 2 * padding + kernel + layer.get("outputPadding", 0) for n in x.shape[1:3]]
        sizes = grown if layer["axes"] == 2 else [x.shape[1], grown[1]]
        shape = tf.stack([tf.shape(x)[0]] + list(sizes) + [layer["out"]])
        return tf.nn.conv2d_transpose(x, self.parameters[name + ".weight"], shape, self._each(layer, stride), self._padding(layer))

    def _batch_norm(self, layer, name, x, training):
        tf = self.tf
        mean, variance = self.running[name]
        # Its fused kernel takes images.
        axes = len(x.shape) - 2
        images = x if axes == 2 else tf.reshape(x, [tf.shape(x)[0], 1, 1 if axes == 0 else x.shape[1], layer["features"]])
        result = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=self.parameters[name + ".weight"],
            offset=self.parameters[name + ".bias"],
            mean=tf.constant([], tf.float32) if training else mean,
            variance=tf.constant([], tf.float32) if training else variance,
            epsilon=EPSILON,
            is_training=training,
        )
        if training:
            mean.assign_sub(MOMENTUM * (mean - result.batch_mean))
            variance.assign_sub(MOMENTUM * (variance - result.batch_variance))
        return result.y if axes == 2 else tf.reshape(result.y, tf.shape(x))

    def _recurrent(self, cell, name, i, x):
        """One layer, steps first: the input's part of all gates at once, then a loop of TensorFlow's."""
        tf = self.tf
        of = lambda part: self.parameters["%s.%s_l%d" % (name, part, i)]
        gates = tf.transpose(self._dense(x, "%s.weight_ih_l%d" % (name, i)) + of("bias_ih"), [1, 0, 2])
        hidden = lambda h: tf.linalg.matmul(h, of("weight_hh"), transpose_b=True) + of("bias_hh")
        zeros = tf.zeros([tf.shape(x)[0], of("weight_hh").shape[1]])

        def lstm(state, gate):
            h, c = state
            a, f, g, o = tf.split(gate + hidden(h), 4, -1)
            c = tf.sigmoid(f) * c + tf.sigmoid(a) * tf.tanh(g)
            return tf.sigmoid(o) * tf.tanh(c), c

        def gru(h, gate):
            xr, xz, xn = tf.split(gate, 3, -1)
            hr, hz, hn = tf.split(hidden(h), 3, -1)
            z = tf.sigmoid(xz + hz)
            return (1 - z) * tf.tanh(xn + tf.sigmoid(xr + hr) * hn) + z * h

        states = tf.scan(lstm, gates, (zeros, zeros))[0] if cell == "lstm" else tf.scan(gru, gates, zeros)
        return tf.transpose(states, [1, 0, 2])

    def _attention(self, layer, name, x):
        tf = self.tf
        heads, width, n, length = layer["heads"], layer["width"], tf.shape(x)[0], x.shape[1]
        all_three = self._dense(x, name + ".in_proj_weight") + self.parameters[name + ".in_proj_bias"]
        q, k, v = [
            tf.transpose(tf.reshape(t, [n, length, heads, width // heads]), [0, 2, 1, 3]) for t in tf.split(all_three, 3, -1)
        ]
        scores = tf.linalg.matmul(q, k, transpose_b=True) / (width // heads) ** 0.5
        if layer.get("causal", False):
            scores += (1 - tf.linalg.band_part(tf.ones([length, length]), -1, 0)) * -1e9
        joined = tf.transpose(tf.linalg.matmul(tf.nn.softmax(scores), v), [0, 2, 1, 3])
        return self._bias(self._dense(tf.reshape(joined, [n, length, width]), name + ".out_proj.weight"), name + ".out_proj")
