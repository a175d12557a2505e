"""Models in PyTorch's own layers."""


def build(torch, layers):
    nn = torch.nn

    class Residual(nn.Module):
        def __init__(self, branch, shortcut):
            super().__init__()
            self.branch = branch
            self.shortcut = shortcut

        def forward(self, x):
            return self.branch(x) + (x if self.shortcut is None else self.shortcut(x))

    class SelfAttention(nn.MultiheadAttention):
        def __init__(self, width, heads, causal):
            super().__init__(width, heads, batch_first=True)
            self.causal = causal

        def forward(self, x):
            if not self.causal:
                return super().forward(x, x, x, need_weights=False)[0]
            mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
            return super().forward(x, x, x, need_weights=False, attn_mask=mask, is_causal=True)[0]

    class Positions(nn.Module):
        def __init__(self, length, features):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(length, features))

        def forward(self, x):
            return x + self.weight

    class Lstm(nn.LSTM):
        def forward(self, x):
            return super().forward(x)[0]

    class Gru(nn.GRU):
        def forward(self, x):
            return super().forward(x)[0]

    class Mean(nn.Module):
        def __init__(self, axes):
            super().__init__()
            self.axes = axes

        def forward(self, x):
            return x.mean(self.axes)

    activations = {"relu": nn.ReLU, "relu6": nn.ReLU6, "gelu": nn.GELU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}

    def sequence(specs):
        return nn.Sequential(*[layer(spec) for spec in specs])

    def layer(spec):
        kind = spec["kind"]

        def given(*names):
            return {name: spec[name] for name in names if name in spec}

        if kind == "convolution":
            options = given("stride", "padding", "dilation", "groups", "bias")
            return [nn.Conv1d, nn.Conv2d][spec["axes"] - 1](spec["in"], spec["out"], spec["kernel"], **options)
        if kind == "transposedConvolution":
            options = given("stride", "padding", "bias")
            if "outputPadding" in spec:
                options["output_padding"] = spec["outputPadding"]
            transposed = [nn.ConvTranspose1d, nn.ConvTranspose2d][spec["axes"] - 1]
            return transposed(spec["in"], spec["out"], spec["kernel"], **options)
        if kind == "pooling":
            of = {"max": [nn.MaxPool1d, nn.MaxPool2d], "mean": [nn.AvgPool1d, nn.AvgPool2d]}
            return of[spec["reduce"]][spec["axes"] - 1](spec["kernel"])
        if kind == "batchNorm":
            return (nn.BatchNorm2d if spec["axes"] == 2 else nn.BatchNorm1d)(spec["features"])
        if kind == "layerNorm":
            return nn.LayerNorm(spec["features"])
        if kind == "activation":
            return activations[spec["name"]]()
        if kind == "flatten":
            return nn.Flatten()
        if kind == "linear":
            return nn.Linear(spec["in"], spec["out"], **given("bias"))
        if kind == "dropout":
            return nn.Dropout(spec["p"])
        if kind == "embedding":
            return nn.Embedding(spec["rows"], spec["features"])
        if kind == "positions":
            return Positions(spec["length"], spec["features"])
        if kind == "mean":
            return Mean(spec["axes"])
        if kind == "residual":
            return Residual(sequence(spec["branch"]), sequence(spec["shortcut"]) if "shortcut" in spec else None)
        if kind == "attention":
            return SelfAttention(spec["width"], spec["heads"], spec.get("causal", False))
        if kind == "recurrent":
            recurrent = {"lstm": Lstm, "gru": Gru}[spec["cell"]]
            return recurrent(spec["in"], spec["hidden"], spec.get("layers", 1), batch_first=True)
        raise ValueError(kind)

    return sequence(layers)


def load(torch, model, parameters):
    """Running statistics stay as they start; all else must be there."""
    state = {name: torch.from_numpy(value) for name, value in parameters.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    buffers = {name for name, _ in model.named_buffers()}
    if unexpected or set(missing) - buffers:
        raise ValueError("the model and its parameters differ: %s %s" % (unexpected, missing))


def loss_of(torch, kind):
    """The function from output and target to the loss."""
    if kind == "mse":
        return torch.nn.functional.mse_loss
    cross_entropy = torch.nn.functional.cross_entropy
    return lambda y, target: cross_entropy(y.flatten(0, -2), target.flatten())
