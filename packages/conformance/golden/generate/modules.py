"""Every layer and option that modules.json leaves out: a few small cases each, rounded to seven digits, as the tolerance of modules allows.

Beside `input`, a case may have `arguments`: further tensors of the call by PyTorch's name in camelCase (`key`, `attnMask`, `h0`, `memory`, ...;
int32 masks are bool), with `expected.gradArguments` for those that are differentiated, and `expected.others` for what the call returns
beside its output (`indices`, `weights`, `state0`, `state1`).
"""

import re

import torch
from torch import nn

from golden import write

torch.manual_seed(20)
torch.set_default_dtype(torch.float64)
cases = []


def camel(name):
    return re.sub(r"_(\w)", lambda match: match.group(1).upper(), name)


def numbers(*shape, low=-2.0, high=2.0, steps=32):
    """Multiples of 1/steps: float32 holds them exactly, and JSON is short."""
    return torch.randint(int(low * steps), int(high * steps) + 1, shape) / steps


def rounded(value):
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    short = float(f"{value:.7g}")
    return int(short) if short == int(short) and abs(short) < 1e9 else short


def tensor(t):
    if t.dtype.is_floating_point:
        return {"shape": list(t.shape), "dtype": "float32", "data": [rounded(v) for v in t.detach().reshape(-1).tolist()]}
    return {"shape": list(t.shape), "dtype": "int32", "data": [int(v) for v in t.reshape(-1).tolist()]}


def say(value):
    return "tensor" if isinstance(value, (list, tuple, torch.Tensor)) else str(value)


def case(name, module, x, options=None, training=True, call=None, arguments=None, others=None, keep=False, slope=True):
    """call(module, x, **arguments) -> output, or (output, {name: other})."""
    options = options or {}
    arguments = arguments or {}
    module.train(training)
    if not keep:
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(numbers(*parameter.shape, low=-1, high=1))
            for key, buffer in module.named_buffers():
                if key.endswith("running_var"):
                    buffer.copy_(numbers(*buffer.shape, low=0.5, high=2))
                elif key.endswith("running_mean"):
                    buffer.copy_(numbers(*buffer.shape, low=-1, high=1))
                elif key.endswith("num_batches_tracked"):
                    buffer.fill_(3)
    before = {key: p.detach().clone() for key, p in module.named_parameters()}
    buffers = {key: b.detach().clone() for key, b in module.named_buffers()}
    floats = x.dtype.is_floating_point
    if floats:
        x = x.clone().requires_grad_()
    differentiated = {}
    passed = {}
    for key, value in arguments.items():
        if value.dtype.is_floating_point and "mask" not in key and "random" not in key:
            value = differentiated[key] = value.clone().requires_grad_()
        passed[key] = value
    result = call(module, x, **passed) if call else module(x, **passed)
    output, more = result if isinstance(result, tuple) and isinstance(result[1], dict) else (result, {})
    g = numbers(*output.shape, steps=4)
    sources = [*([x] if floats else []), *module.parameters(), *differentiated.values()]
    grads = torch.autograd.grad((output * g).sum(), sources, allow_unused=True) if sources else []
    grads = [torch.zeros_like(s) if d is None else d for s, d in zip(sources, grads)]
    found = dict(zip([id(s) for s in sources], grads))
    shown = ",".join(f"{camel(k)}={say(v)}" for k, v in options.items()) or "default"
    entry = {
        "id": f"{name}[{shown}]{'' if training else ' eval'}",
        "name": name,
        "options": {camel(k): list(v) if isinstance(v, tuple) else v for k, v in options.items()},
        "parameters": {key: tensor(p) for key, p in before.items()},
    }
    if buffers:
        entry["buffers"] = {key: tensor(b) for key, b in buffers.items()}
    entry["training"] = training
    entry["input"] = tensor(x)
    if arguments:
        entry["arguments"] = {camel(key): tensor(value) for key, value in arguments.items()}
    entry["gradOutput"] = tensor(g)
    entry["expected"] = {
        "output": tensor(output),
        "gradInput": tensor(found[id(x)]) if floats and slope else None,
        "gradParameters": {key: tensor(found[id(p)]) for key, p in module.named_parameters()},
    }
    if differentiated:
        entry["expected"]["gradArguments"] = {camel(key): tensor(found[id(t)]) for key, t in differentiated.items()}
    if more:
        entry["expected"]["others"] = {key: tensor(t) for key, t in more.items()}
    if buffers:
        entry["expected"]["buffersAfter"] = {key: tensor(b) for key, b in module.named_buffers()}
    changed = {key: tensor(p) for key, p in module.named_parameters() if not torch.equal(p, before[key])}
    if changed:
        entry["expected"]["buffersAfter"] = changed
    cases.append(entry)


def layer(name, make, x, options, **rest):
    case(name, make(**options), x, options, **rest)


# Convolutions ---------------------------------------------------------------------------------------------------------------

sizes = {1: (7,), 2: (5, 5), 3: (3, 3, 4)}
convs = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
transposed = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
for d in (1, 2, 3):
    size = sizes[d]
    base = dict(in_channels=2, out_channels=2, kernel_size=2 if d == 3 else 3)
    for more, batch in [
        (dict(padding="same"), (2,)),
        (dict(padding="valid", bias=False), ()),
        (dict(padding=1, padding_mode="reflect"), (2,)),
        (dict(padding=1, padding_mode="replicate", stride=2), ()),
        (dict(padding=1, padding_mode="circular", groups=2), (1,)),
        (dict(padding="same", padding_mode="reflect", kernel_size=2 if d == 3 else 4), (1,)),
        (dict(stride=tuple([2, 1, 1][:d]), padding=tuple([1, 0, 1][:d]), dilation=tuple([1, 2, 1][:d])), (2,)),
    ]:
        layer(f"conv{d}d", convs[d], numbers(*batch, 2, *size), {**base, **more})
    small = {1: (4,), 2: (3, 4), 3: (2, 2, 3)}[d]
    for more, batch in [
        (dict(), ()),
        (dict(stride=2, padding=1, output_padding=1, groups=2, bias=False), (2,)),
        (dict(dilation=2, padding=1, output_padding=1), (1,)),
        (dict(stride=tuple([2, 3, 1][:d]), output_padding=tuple([1, 2, 0][:d]), kernel_size=tuple([2, 1, 2][:d])), (1,)),
    ]:
        layer(f"convTranspose{d}d", transposed[d], numbers(*batch, 2, *small), {**base, **more})

# Pooling --------------------------------------------------------------------------------------------------------------------

pools = {
    "max": {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d},
    "avg": {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d},
    "lp": {1: nn.LPPool1d, 2: nn.LPPool2d, 3: nn.LPPool3d},
    "adaptiveAvg": {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d},
    "adaptiveMax": {1: nn.AdaptiveMaxPool1d, 2: nn.AdaptiveMaxPool2d, 3: nn.AdaptiveMaxPool3d},
}
pooled = {1: (8,), 2: (7, 6), 3: (4, 4, 5)}


def with_indices(module, x):
    output, indices = module(x)
    return output, {"indices": indices}


for d in (1, 2, 3):
    size = pooled[d]
    for more, batch in [
        (dict(kernel_size=3, stride=2, ceil_mode=True), (2,)),
        (dict(kernel_size=2, stride=2, padding=1, ceil_mode=True), ()),
        (dict(kernel_size=2, dilation=2, stride=1), (1,)),
        (dict(kernel_size=3), ()),
        (dict(kernel_size=3, stride=2, padding=1, dilation=2, ceil_mode=True), (1,)),
    ]:
        layer(f"maxPool{d}d", pools["max"][d], numbers(*batch, 2, *size), more)
    layer(f"maxPool{d}d", pools["max"][d], numbers(1, 2, *size, steps=1), dict(kernel_size=2, stride=1))
    for more in [dict(kernel_size=2, return_indices=True), dict(kernel_size=3, stride=2, padding=1, return_indices=True)]:
        layer(f"maxPool{d}d", pools["max"][d], numbers(1, 2, *size), more, call=with_indices)
    for more, batch in [
        (dict(kernel_size=3, stride=2, ceil_mode=True), (2,)),
        (dict(kernel_size=3, stride=2, padding=1, ceil_mode=True), ()),
        (dict(kernel_size=3, stride=2, padding=1, count_include_pad=False), (1,)),
        (dict(kernel_size=2, stride=3, padding=1, ceil_mode=True, count_include_pad=False), (1,)),
        (dict(kernel_size=2), ()),
    ]:
        layer(f"avgPool{d}d", pools["avg"][d], numbers(*batch, 2, *size), more)
    if d > 1:
        layer(f"avgPool{d}d", pools["avg"][d], numbers(1, 2, *size), dict(kernel_size=2, divisor_override=3))
        more = dict(kernel_size=tuple([2, 3, 2][:d]), stride=2, padding=tuple([1, 1, 0][:d]), divisor_override=5, ceil_mode=True)
        layer(f"avgPool{d}d", pools["avg"][d], numbers(2, *size), more)
    for more, batch in [
        (dict(norm_type=2, kernel_size=2), (2,)),
        (dict(norm_type=3, kernel_size=2, stride=1), ()),
        (dict(norm_type=2, kernel_size=3, stride=2, ceil_mode=True), (1,)),
        (dict(norm_type=1, kernel_size=2), (1,)),
        (dict(norm_type=1.5, kernel_size=2), (1,)),
    ]:
        low = 0.125 if more["norm_type"] in (3, 1.5) else -2
        layer(f"lpPool{d}d", pools["lp"][d], numbers(*batch, 2, *size, low=low), more)
    layer(f"lpPool{d}d", pools["lp"][d], torch.zeros(1, 1, *size), dict(norm_type=2, kernel_size=2))
    for kind in ("adaptiveAvg", "adaptiveMax"):
        name = f"{kind}Pool{d}d"
        for output_size, batch in [(3, (2,)), (2, ()), (tuple([5, 1, 4][:d]), (1,))]:
            layer(name, pools[kind][d], numbers(*batch, 2, *size), dict(output_size=output_size if d > 1 or isinstance(output_size, int) else output_size[0]))
        if d > 1:
            layer(name, pools[kind][d], numbers(1, 2, *size), dict(output_size=tuple([None, 4, None][:d])))
    layer(f"adaptiveMaxPool{d}d", pools["adaptiveMax"][d], numbers(1, 2, *size), dict(output_size=3, return_indices=True), call=with_indices)

for name, kind in [("maxPool2d", "max"), ("avgPool2d", "avg")]:
    layer(name, pools[kind][2], numbers(1, 1, 3, 9), dict(kernel_size=2, ceil_mode=True))
    layer(name, pools[kind][2], numbers(2, 1, 3, 8), dict(kernel_size=2, ceil_mode=True))

# Padding --------------------------------------------------------------------------------------------------------------------

pads = {
    "zeroPad": {1: nn.ZeroPad1d, 2: nn.ZeroPad2d, 3: nn.ZeroPad3d},
    "constantPad": {1: nn.ConstantPad1d, 2: nn.ConstantPad2d, 3: nn.ConstantPad3d},
    "reflectionPad": {1: nn.ReflectionPad1d, 2: nn.ReflectionPad2d, 3: nn.ReflectionPad3d},
    "replicationPad": {1: nn.ReplicationPad1d, 2: nn.ReplicationPad2d, 3: nn.ReplicationPad3d},
    "circularPad": {1: nn.CircularPad1d, 2: nn.CircularPad2d, 3: nn.CircularPad3d},
}
for d in (1, 2, 3):
    size = {1: (4,), 2: (3, 4), 3: (3, 3, 4)}[d]
    for kind in pads:
        value = dict(value=1.5) if kind == "constantPad" else {}
        layer(f"{kind}{d}d", pads[kind][d], numbers(1, 2, *size), dict(padding=1, **value))
        layer(f"{kind}{d}d", pads[kind][d], numbers(1, *size), dict(padding=tuple([2, 1, 0, 2, 1, 1][: 2 * d]), **value))
    layer(f"zeroPad{d}d", pads["zeroPad"][d], numbers(1, 2, *size), dict(padding=tuple([-1, 2, 1, -1, 0, -1][: 2 * d])))

# Normalization --------------------------------------------------------------------------------------------------------------

norms = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
instances = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
spatial = {1: (4,), 2: (2, 3), 3: (2, 2, 2)}
for d in (1, 2, 3):
    for more in [
        dict(),
        dict(momentum=None),
        dict(track_running_stats=False),
        dict(affine=False, momentum=0.3),
        dict(eps=0.01, momentum=0.0),
    ]:
        for training in (True, False):
            layer(f"batchNorm{d}d", norms[d], numbers(3, 2, *spatial[d]), dict(num_features=2, **more), training=training)
    for more, batch in [
        (dict(), (2,)),
        (dict(affine=True), ()),
        (dict(track_running_stats=True, affine=True), (3,)),
        (dict(track_running_stats=True, momentum=None), (2,)),
        (dict(eps=0.1), (2,)),
    ]:
        for training in (True, False):
            layer(f"instanceNorm{d}d", instances[d], numbers(*batch, 2, *spatial[d]), dict(num_features=2, **more), training=training)
layer("batchNorm1d", nn.BatchNorm1d, numbers(4, 3), dict(num_features=3, momentum=None))
for more in [dict(elementwise_affine=False), dict(bias=False), dict(eps=0.1), dict()]:
    layer("layerNorm", nn.LayerNorm, numbers(2, 3, 4), dict(normalized_shape=(3, 4), **more))
layer("layerNorm", nn.LayerNorm, numbers(2, 4), dict(normalized_shape=4))
for more in [dict(), dict(affine=False), dict(eps=0.1)]:
    layer("groupNorm", nn.GroupNorm, numbers(2, 4, 3), dict(num_groups=2, num_channels=4, **more))
layer("groupNorm", nn.GroupNorm, numbers(3, 4), dict(num_groups=1, num_channels=4))
layer("groupNorm", nn.GroupNorm, numbers(1, 4, 2, 2, 2), dict(num_groups=4, num_channels=4))
for more in [dict(), dict(eps=0.1), dict(elementwise_affine=False)]:
    layer("rmsNorm", nn.RMSNorm, numbers(2, 3, 4), dict(normalized_shape=(3, 4), **more))
for more, shape in [
    (dict(size=2), (2, 4, 3)),
    (dict(size=3, alpha=0.5, beta=1.25, k=2.0), (1, 5, 2, 2)),
    (dict(size=4, alpha=0.1), (1, 3, 2, 2, 2)),
    (dict(size=5, alpha=0.3, beta=0.5, k=0.5), (2, 3, 2)),
]:
    layer("localResponseNorm", nn.LocalResponseNorm, numbers(*shape), more)

# Linear, embedding, shapes --------------------------------------------------------------------------------------------------

layer("linear", nn.Linear, numbers(3), dict(in_features=3, out_features=2))
layer("linear", nn.Linear, numbers(2, 2, 2, 3), dict(in_features=3, out_features=2, bias=False))
for more, shape in [(dict(), (4,)), (dict(bias=False), (2, 3)), (dict(), ())]:
    options = dict(in1_features=3, in2_features=2, out_features=2, **more)
    arguments = {"input2": numbers(*shape, 2)}
    layer("bilinear", nn.Bilinear, numbers(*shape, 3), options, arguments=arguments, call=lambda m, x, input2: m(x, input2))
looked_up = torch.tensor([[0, 2, 2], [5, 1, 2]])
for more in [
    dict(),
    dict(padding_idx=2),
    dict(padding_idx=-1),
    dict(scale_grad_by_freq=True),
    dict(scale_grad_by_freq=True, padding_idx=2),
    dict(max_norm=1.0),
    dict(max_norm=0.75, norm_type=1.0),
    dict(max_norm=0.5, norm_type=3.0, padding_idx=0, scale_grad_by_freq=True),
]:
    layer("embedding", nn.Embedding, looked_up, dict(num_embeddings=6, embedding_dim=3, **more))
layer("embedding", nn.Embedding, torch.tensor(4), dict(num_embeddings=6, embedding_dim=3))
layer("flatten", nn.Flatten, numbers(2, 3, 2, 2), dict(start_dim=2))
layer("flatten", nn.Flatten, numbers(2, 3, 2, 2), dict(start_dim=0, end_dim=1))
layer("flatten", nn.Flatten, numbers(2, 3, 2, 2), dict(start_dim=-3, end_dim=-2))
layer("unflatten", nn.Unflatten, numbers(2, 6), dict(dim=1, unflattened_size=(2, 3)))
layer("unflatten", nn.Unflatten, numbers(6, 4), dict(dim=-2, unflattened_size=(3, -1)))
layer("identity", nn.Identity, numbers(2, 3), dict())
layer("pixelShuffle", nn.PixelShuffle, numbers(1, 8, 2, 3), dict(upscale_factor=2))
layer("pixelUnshuffle", nn.PixelUnshuffle, numbers(2, 4, 6), dict(downscale_factor=2))
for name, make, shape in [
    ("dropout", nn.Dropout, (2, 3)),
    ("dropout1d", nn.Dropout1d, (2, 3, 2)),
    ("dropout2d", nn.Dropout2d, (2, 3, 2, 2)),
    ("dropout3d", nn.Dropout3d, (1, 2, 2, 2, 2)),
    ("alphaDropout", nn.AlphaDropout, (2, 3)),
    ("featureAlphaDropout", nn.FeatureAlphaDropout, (2, 3, 2)),
]:
    layer(f"{name}Eval", make, numbers(*shape), dict(p=0.25), training=False)
    layer(name, make, numbers(*shape), dict(p=0.0))
    layer(name, make, numbers(*shape), dict(p=1.0))

# Resampling -----------------------------------------------------------------------------------------------------------------

for more, shape in [
    (dict(scale_factor=2), (1, 2, 3)),
    (dict(scale_factor=2, mode="nearest"), (1, 1, 2, 3)),
    (dict(size=(5, 4), mode="nearest"), (1, 1, 3, 6)),
    (dict(scale_factor=1.5, mode="nearest"), (1, 1, 3, 2, 3)),
    (dict(scale_factor=0.6, mode="nearest-exact"), (1, 1, 5, 6)),
    (dict(scale_factor=2, mode="linear"), (2, 1, 4)),
    (dict(size=7, mode="linear", align_corners=True), (1, 2, 4)),
    (dict(size=1, mode="linear", align_corners=True), (1, 2, 4)),
    (dict(scale_factor=(2, 1.5), mode="bilinear"), (1, 1, 3, 4)),
    (dict(scale_factor=2.3, mode="bilinear"), (1, 1, 3, 4)),
    (dict(scale_factor=2.3, mode="bilinear", recompute_scale_factor=True), (1, 1, 3, 4)),
    (dict(size=(2, 3), mode="bilinear"), (1, 1, 5, 4)),
    (dict(scale_factor=2, mode="bilinear", align_corners=True), (1, 2, 3, 2)),
    (dict(scale_factor=2, mode="bicubic"), (1, 1, 4, 3)),
    (dict(size=(7, 2), mode="bicubic", align_corners=True), (1, 1, 4, 3)),
    (dict(scale_factor=1.7, mode="bicubic"), (1, 1, 4, 3)),
    (dict(scale_factor=2, mode="trilinear"), (1, 1, 2, 3, 2)),
    (dict(size=(3, 4, 1), mode="trilinear", align_corners=True), (1, 1, 2, 3, 2)),
    (dict(size=(2, 3), mode="area"), (1, 1, 5, 4)),
    (dict(scale_factor=(1.3, 2.6), mode="bilinear"), (1, 1, 3, 4)),
]:
    layer("upsample", nn.Upsample, numbers(*shape), more)

# Recurrent ------------------------------------------------------------------------------------------------------------------


def with_state(module, x, **state):
    given = tuple(state.values())
    output, last = module(x, given if len(given) == 2 else given[0]) if given else module(x)
    return output, {f"state{i}": t for i, t in enumerate(last if isinstance(last, tuple) else (last,))}


def recurrent(name, make, more, batch=(2,), initial=False, training=True, dtype=None):
    more = dict(more)
    given = dict(batch_first=True) | more
    module = make(3, 2 if "proj_size" not in more else 3, **given)
    steps = 4
    shape = (*batch, steps, 3) if given["batch_first"] or not batch else (steps, *batch, 3)
    width = more.get("proj_size", module.hidden_size)
    places = more.get("num_layers", 1) * (2 if more.get("bidirectional") else 1)
    state = {}
    if initial:
        state["h0"] = numbers(places, *batch, width)
        if name == "lstm":
            state["c0"] = numbers(places, *batch, module.hidden_size)
    options = dict(input_size=3, hidden_size=module.hidden_size, **more)
    case(name, module, numbers(*shape), options, training=training, call=with_state, arguments=state)


for name, make in [("rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)]:
    recurrent(name, make, dict(), initial=True)
    recurrent(name, make, dict(num_layers=2, bidirectional=True), initial=True)
    recurrent(name, make, dict(bias=False, bidirectional=True))
    recurrent(name, make, dict(batch_first=False, num_layers=2), initial=True)
    recurrent(name, make, dict(num_layers=2), batch=(), initial=True)
    recurrent(name, make, dict(num_layers=2, dropout=0.5), training=False)
    recurrent(name, make, dict(bidirectional=True), batch=())
recurrent("rnn", nn.RNN, dict(nonlinearity="relu", num_layers=2), initial=True)
recurrent("lstm", nn.LSTM, dict(proj_size=2), initial=True)
recurrent("lstm", nn.LSTM, dict(proj_size=1, num_layers=2, bidirectional=True), initial=True)
for name, make, more in [
    ("rnnCell", nn.RNNCell, dict()),
    ("rnnCell", nn.RNNCell, dict(nonlinearity="relu", bias=False)),
    ("gruCell", nn.GRUCell, dict()),
    ("gruCell", nn.GRUCell, dict(bias=False)),
]:
    options = dict(input_size=3, hidden_size=2, **more)
    layer(name, make, numbers(2, 3), options)
    layer(name, make, numbers(2, 3), options, arguments={"h0": numbers(2, 2)}, call=lambda m, x, h0: m(x, h0))
    layer(name, make, numbers(3), options, arguments={"h0": numbers(2)}, call=lambda m, x, h0: m(x, h0))


def lstm_cell(module, x, **state):
    h, c = module(x, tuple(state.values())) if state else module(x)
    return h, {"state1": c}


for more in [dict(), dict(bias=False)]:
    options = dict(input_size=3, hidden_size=2, **more)
    layer("lstmCell", nn.LSTMCell, numbers(2, 3), options, call=lstm_cell)
    layer("lstmCell", nn.LSTMCell, numbers(2, 3), options, arguments={"h0": numbers(2, 2), "c0": numbers(2, 2)}, call=lstm_cell)
    layer("lstmCell", nn.LSTMCell, numbers(3), options, arguments={"h0": numbers(2), "c0": numbers(2)}, call=lstm_cell)

# Attention ------------------------------------------------------------------------------------------------------------------

causal = torch.triu(torch.ones(4, 4, dtype=torch.bool), 1)


def attention(more, arguments=None, shape=(2, 3, 4), call_options=None):
    arguments = arguments or {}
    call_options = call_options or {}
    given = {k: v for k, v in more.items() if k not in ("causal",)}
    module = nn.MultiheadAttention(4, 2, **({"batch_first": True} | given))

    def call(m, x, key=None, value=None, attn_mask=None, key_padding_mask=None):
        key = x if key is None else key
        value = key if value is None else value
        if more.get("causal"):
            length, source = (x.shape[-2], key.shape[-2])
            attn_mask = torch.triu(torch.ones(length, source, dtype=torch.bool), 1)
        output, weights = m(x, key, value, attn_mask=attn_mask, key_padding_mask=key_padding_mask, need_weights=True, **call_options)
        # Half of them ask for the weights: the others may take a way that keeps none.
        return output, {"weights": weights} if call_options or len(cases) % 2 else {}

    options = dict(embed_dim=4, num_heads=2, **more, **call_options)
    case("multiHeadAttention", module, numbers(*shape), options, call=call, arguments=arguments)


padding = torch.tensor([[False, False, True], [False, True, True]])
some = torch.tensor([[False, True, False], [False, False, False], [True, False, False]])
attention(dict(), {"key": numbers(2, 5, 4), "value": numbers(2, 5, 4)})
attention(dict(bias=False))
attention(dict(), shape=(3, 4))
attention(dict(), {"attn_mask": some, "key": numbers(3, 4)}, shape=(3, 4))
attention(dict(causal=True), {"key_padding_mask": padding})
attention(dict(), {"attn_mask": some})
attention(dict(), {"attn_mask": numbers(3, 3)})
attention(dict(), {"attn_mask": numbers(4, 3, 3)})
attention(dict(), {"attn_mask": torch.stack([some, some.T, causal[:3, :3], torch.zeros(3, 3, dtype=torch.bool)])})
attention(dict(), {"key_padding_mask": padding})
attention(dict(), {"key_padding_mask": numbers(2, 3)})
attention(dict(), {"key_padding_mask": torch.tensor([False, True, False])}, shape=(3, 4))
attention(dict(add_bias_kv=True))
attention(dict(add_zero_attn=True))
attention(dict(add_bias_kv=True, add_zero_attn=True, bias=False), {"attn_mask": some, "key_padding_mask": padding})
attention(dict(add_bias_kv=True, causal=True))
attention(dict(kdim=3, vdim=2), {"key": numbers(2, 5, 3), "value": numbers(2, 5, 2)})
attention(dict(kdim=3, add_bias_kv=True), {"key": numbers(2, 5, 3), "value": numbers(2, 5, 4)})
attention(dict(batch_first=False), {"key": numbers(5, 2, 4)}, shape=(3, 2, 4))
attention(dict(), call_options=dict(average_attn_weights=False))
attention(dict(dropout=0.0))

encoder = dict(d_model=4, nhead=2, dim_feedforward=3, dropout=0.0)


def encode(m, x, src_mask=None, src_key_padding_mask=None):
    return m(x, src_mask, src_key_padding_mask)


for more, arguments, shape, training in [
    (dict(), {}, (2, 3, 4), True),
    (dict(norm_first=True), {}, (2, 3, 4), True),
    (dict(activation="gelu", layer_norm_eps=0.1), {}, (2, 3, 4), True),
    (dict(bias=False), {"src_mask": some}, (2, 3, 4), True),
    (dict(batch_first=False), {"src_key_padding_mask": padding}, (3, 2, 4), True),
    (dict(norm_first=True), {"src_mask": numbers(3, 3)}, (3, 4), True),
    (dict(dropout=0.3), {}, (2, 3, 4), False),
]:
    options = {**encoder, **more}
    module = nn.TransformerEncoderLayer(**({"batch_first": True} | options))
    case("transformerEncoderLayer", module, numbers(*shape), options, training=training, call=encode, arguments=arguments)
for more, norm in [(dict(num_layers=2), True), (dict(num_layers=2, norm_first=True), False)]:
    options = {**encoder, **{k: v for k, v in more.items() if k != "num_layers"}}
    inner = nn.TransformerEncoderLayer(**options, batch_first=True)
    module = nn.TransformerEncoder(inner, more["num_layers"], norm=nn.LayerNorm(4) if norm else None, enable_nested_tensor=False)
    call = lambda m, x, mask=None, src_key_padding_mask=None: m(x, mask, src_key_padding_mask)
    mask = {"mask": some} if norm else {"src_key_padding_mask": padding}
    case("transformerEncoder", module, numbers(2, 3, 4), {**encoder, **more}, call=call, arguments=mask)


def decode(m, x, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None, memory_key_padding_mask=None):
    return m(x, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask)


between = torch.zeros(3, 5, dtype=torch.bool)
between[0, 3:] = True
for more, arguments, shape, memory in [
    (dict(), {}, (2, 3, 4), (2, 5, 4)),
    (dict(norm_first=True, activation="gelu"), {"tgt_mask": causal[:3, :3], "memory_mask": between}, (2, 3, 4), (2, 5, 4)),
    (dict(bias=False), {"tgt_key_padding_mask": padding, "memory_key_padding_mask": padding}, (2, 3, 4), (2, 3, 4)),
    (dict(batch_first=False), {}, (3, 2, 4), (5, 2, 4)),
    (dict(layer_norm_eps=0.1), {}, (3, 4), (5, 4)),
]:
    options = {**encoder, **more}
    module = nn.TransformerDecoderLayer(**({"batch_first": True} | options))
    arguments = {"memory": numbers(*memory), **arguments}
    case("transformerDecoderLayer", module, numbers(*shape), options, call=decode, arguments=arguments)
module = nn.TransformerDecoder(nn.TransformerDecoderLayer(**encoder, batch_first=True), 2, norm=nn.LayerNorm(4))
arguments = {"memory": numbers(2, 5, 4)}
case("transformerDecoder", module, numbers(2, 3, 4), {**encoder, "num_layers": 2}, call=decode, arguments=arguments)

# A weight without a bias ------------------------------------------------------------------------------------------------------

for training in (True, False):
    layer("batchNorm2d", nn.BatchNorm2d, numbers(3, 2, 2, 3), dict(num_features=2, bias=False), training=training)
layer("batchNorm1d", nn.BatchNorm1d, numbers(3, 2), dict(num_features=2, affine=False, bias=True))
layer("instanceNorm1d", nn.InstanceNorm1d, numbers(2, 3, 4), dict(num_features=3, affine=True, bias=False))
layer("groupNorm", nn.GroupNorm, numbers(2, 4, 3), dict(num_groups=2, num_channels=4, bias=False))

# Sequences of several lengths, packed ---------------------------------------------------------------------------------------


def packed(module, x, lengths, **state):
    given = tuple(state.values())
    first = module.batch_first
    sequences = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
    output, last = module(sequences, given if len(given) == 2 else given[0]) if given else module(sequences)
    output, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=first, total_length=x.shape[1 if first else 0])
    return output, {f"state{i}": t for i, t in enumerate(last if isinstance(last, tuple) else (last,))}


def of_lengths(name, make, more, initial=False):
    options = dict(input_size=3, hidden_size=3 if "proj_size" in more else 2, **more)
    module = make(**(dict(batch_first=True) | options))
    lengths = torch.tensor([2, 5, 1])
    shape = (3, 5, 3) if module.batch_first else (5, 3, 3)
    places = more.get("num_layers", 1) * (2 if more.get("bidirectional") else 1)
    arguments = {"lengths": lengths}
    if initial:
        arguments["h0"] = numbers(places, 3, more.get("proj_size", module.hidden_size))
        if name == "lstm":
            arguments["c0"] = numbers(places, 3, module.hidden_size)
    case(name, module, numbers(*shape), options, call=packed, arguments=arguments)


for name, make in [("rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)]:
    of_lengths(name, make, dict())
    of_lengths(name, make, dict(num_layers=2, bidirectional=True), initial=True)
    of_lengths(name, make, dict(batch_first=False, bidirectional=True))
of_lengths("lstm", nn.LSTM, dict(proj_size=2, bidirectional=True), initial=True)

# Bags ------------------------------------------------------------------------------------------------------------------------

for more in [
    dict(),
    dict(mode="sum", padding_idx=2),
    dict(mode="max"),
    dict(mode="max", padding_idx=-1),
    dict(mode="sum", scale_grad_by_freq=True),
    dict(mode="mean", max_norm=1.0, padding_idx=0),
]:
    layer("embeddingBag", nn.EmbeddingBag, looked_up, dict(num_embeddings=6, embedding_dim=3, **more))
for more in [dict(), dict(mode="max"), dict(mode="sum", padding_idx=2), dict(mode="sum", include_last_offset=True)]:
    arguments = {"offsets": torch.tensor([0, 2, 2, 6] if "include_last_offset" in more else [0, 2, 2])}
    if more.get("mode") == "sum":
        arguments["per_sample_weights"] = numbers(6)
    call = lambda m, x, offsets, per_sample_weights=None: m(x, offsets, per_sample_weights)
    options = dict(num_embeddings=6, embedding_dim=3, **more)
    layer("embeddingBag", nn.EmbeddingBag, looked_up.flatten(), options, arguments=arguments, call=call)

# What few models use ---------------------------------------------------------------------------------------------------------

for more, shape in [(dict(), (2, 4)), (dict(dim=0), (3,)), (dict(dim=-1), (2, 2, 3)), (dict(dim=1, eps=1e-3), (2, 3, 2))]:
    layer("cosineSimilarity", nn.CosineSimilarity, numbers(*shape), more, arguments={"x2": numbers(*shape)}, call=lambda m, x, x2: m(x, x2))
for more, shape in [(dict(), (2, 3)), (dict(p=1, keepdim=True), (4,)), (dict(p=3.0, eps=0.25), (2, 2, 3)), (dict(p=1.5), (3, 2))]:
    layer("pairwiseDistance", nn.PairwiseDistance, numbers(*shape), more, arguments={"x2": numbers(*shape)}, call=lambda m, x, x2: m(x, x2))
for more, shape in [(dict(), (2, 3)), (dict(margin=0.25, swap=True), (4, 2)), (dict(reduction="sum"), (2, 3)), (dict(reduction="none", margin=3.0), (2, 2, 3))]:
    others = {"positive": numbers(*shape), "negative": numbers(*shape)}
    layer("tripletMarginWithDistanceLoss", nn.TripletMarginWithDistanceLoss, numbers(*shape), more, arguments=others, call=lambda m, x, positive, negative: m(x, positive, negative))
for more, shape in [
    (dict(kernel_size=2), (2, 2, 4, 3)),
    (dict(kernel_size=(2, 3), dilation=(2, 1), padding=(1, 0), stride=(1, 2)), (1, 2, 4, 5)),
    (dict(kernel_size=3, padding=1, stride=2), (2, 3, 3)),
]:
    layer("unfold", nn.Unfold, numbers(*shape), more)
for more, shape in [
    (dict(output_size=(4, 3), kernel_size=2), (2, 8, 6)),
    (dict(output_size=(4, 5), kernel_size=(2, 3), dilation=(2, 1), padding=(1, 0), stride=(1, 2)), (1, 12, 8)),
    (dict(output_size=3, kernel_size=3, padding=1, stride=2), (9, 4)),
]:
    layer("fold", nn.Fold, numbers(*shape), more)
for groups, shape in [(2, (2, 4, 3)), (3, (1, 6, 2, 2)), (1, (1, 3, 2, 2))]:
    layer("channelShuffle", nn.ChannelShuffle, numbers(*shape), dict(groups=groups))
for shape in [(2, 3, 2, 2), (3, 1, 2)]:
    layer("softmax2d", nn.Softmax2d, numbers(*shape), dict())
for channels, more in [(2, dict(size=3, alpha=0.5)), (3, dict(size=5, alpha=0.5, beta=1.25, k=2.0)), (4, dict(size=7, alpha=0.25))]:
    # Where there are more channels PyTorch counts the first one in every window, and its gradient is not the slope of its value.
    layer("crossMapLRN2d", nn.CrossMapLRN2d, numbers(2, channels, 2, 2), more, slope=False)
for more in [dict(scale_factor=2), dict(size=(3, 5)), dict(size=2)]:
    layer("upsamplingNearest2d", nn.UpsamplingNearest2d, numbers(1, 2, 3, 4), more)
    layer("upsamplingBilinear2d", nn.UpsamplingBilinear2d, numbers(1, 2, 3, 4), more)

unpools = {1: nn.MaxUnpool1d, 2: nn.MaxUnpool2d, 3: nn.MaxUnpool3d}
for d in (1, 2, 3):
    size = {1: (8,), 2: (6, 4), 3: (4, 4, 4)}[d]
    for more, batch, sized in [
        (dict(kernel_size=2), (2,), False),
        (dict(kernel_size=2), (), True),
        (dict(kernel_size=3, stride=2, padding=1), (1,), True),
        (dict(kernel_size=3, stride=1), (1,), True),
    ]:
        pooled_values, where = nn.functional.__dict__[f"max_pool{d}d"](numbers(*batch, 2, *size), return_indices=True, **more)
        given = dict(output_size=list(size)) if sized else {}
        call = lambda m, x, indices, given=given: m(x, indices, **given)
        case(f"maxUnpool{d}d", unpools[d](**more), pooled_values, {**more, **given}, arguments={"indices": where}, call=call)
for d, make, functional in [(2, nn.FractionalMaxPool2d, nn.functional.fractional_max_pool2d), (3, nn.FractionalMaxPool3d, nn.functional.fractional_max_pool3d)]:
    size = (7, 6) if d == 2 else (6, 6, 6)
    for more, batch in [
        (dict(kernel_size=2, output_size=4), (2,)),
        (dict(kernel_size=(2, 3, 1)[:d], output_size=(3, 1, 4)[:d]), (1,)),
        (dict(kernel_size=2, output_ratio=0.625), (1,)),
    ]:
        samples = torch.randint(0, 32, (batch[0], 2, d)) / 32
        call = lambda m, x, random_samples, d=d: (lambda y, i: (y, {"indices": i}))(*type(m)(m.kernel_size, m.output_size, m.output_ratio, True, random_samples)(x))
        options = {**more, "return_indices": True}
        case(f"fractionalMaxPool{d}d", make(**options), numbers(*batch, 2, *size), options, arguments={"random_samples": samples}, call=call)
for more, masks in [
    (dict(num_encoder_layers=1, num_decoder_layers=1), {}),
    (dict(num_encoder_layers=2, num_decoder_layers=1, activation="gelu", norm_first=True, bias=False), {"src_key_padding_mask": torch.tensor([[False, False, True], [False, False, False]])}),
    (dict(num_encoder_layers=1, num_decoder_layers=2), {"tgt_mask": torch.tensor([[False, True], [False, False]]), "memory_key_padding_mask": torch.tensor([[False, True, False], [False, False, True]])}),
]:
    options = dict(d_model=4, nhead=2, dim_feedforward=5, dropout=0.0, batch_first=True, **more)
    call = lambda m, x, tgt, **masks: m(x, tgt, **masks)
    layer("transformer", nn.Transformer, numbers(2, 3, 4), options, arguments={"tgt": numbers(2, 2, 4), **masks}, call=call)

for more, shape in [
    (dict(cutoffs=[2], div_value=2.0), (3,)),
    (dict(cutoffs=[1, 4], div_value=1.5, head_bias=True), (4,)),
    (dict(cutoffs=[3, 5], div_value=1.25), ()),
]:
    options = dict(in_features=6, n_classes=7, **more)
    call = lambda m, x, target: (lambda r: (r.output, {"loss": r.loss}))(m(x, target))
    target = torch.tensor([0, 3, 6, 1][: shape[0]] if shape else 5)
    layer("adaptiveLogSoftmaxWithLoss", nn.AdaptiveLogSoftmaxWithLoss, numbers(*shape, 6), options, arguments={"target": target}, call=call)
for more, target in [
    (dict(), torch.tensor([0, 4, 2])),
    (dict(bias=True, label_smoothing=0.25, ignore_index=1, reduction="sum"), torch.tensor([1, 4, 2])),
    (dict(bias=True, out_features=(2,), reduction="none"), torch.tensor([[1, 0], [4, 3], [2, 2]])),
]:
    options = dict(in_features=4, num_classes=5, **more)
    layer("linearCrossEntropyLoss", nn.LinearCrossEntropyLoss, numbers(3, 4), options, arguments={"target": target}, call=lambda m, x, target: m(x, target))

write("modules", cases)
