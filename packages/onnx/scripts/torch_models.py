"""
Small models of PyTorch's, exported by both of its exporters, with what PyTorch computes: outputs at two batch sizes, gradients of inputs and parameters, and parameters after
five steps of SGD. test/torch.test.ts holds loadModel against them.

    pip install torch onnx==1.22.0 onnxscript
    python scripts/torch_models.py golden/torch [NAME …]
"""

import contextlib
import io
import json
import pathlib
import sys
import warnings

import onnx
import torch
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")


class ResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.down = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.norm2 = nn.BatchNorm2d(6)
        self.skip = nn.Conv2d(4, 6, 1, stride=2)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        h = F.max_pool2d(F.relu(self.norm(self.stem(x))), 2)
        h = F.relu(self.norm2(self.down(h)) + self.skip(h))
        return self.head(F.adaptive_avg_pool2d(h, 1).flatten(1))


class Mobile(nn.Module):
    def __init__(self):
        super().__init__()
        self.expand = nn.Conv2d(2, 6, 1)
        self.depth = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.norm = nn.GroupNorm(2, 6)
        self.squeeze = nn.Conv2d(6, 6, 1)
        self.up = nn.ConvTranspose2d(6, 2, 2, stride=2)

    def forward(self, x):
        h = F.hardswish(self.norm(self.depth(F.relu6(self.expand(x)))))
        h = h * torch.sigmoid(self.squeeze(h.mean((2, 3), keepdim=True)))
        return F.interpolate(self.up(F.avg_pool2d(h, 2)), scale_factor=2, mode="bilinear") + F.pad(x.repeat(1, 1, 2, 2), (1, -1, 0, 0))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.1, activation="gelu", batch_first=True, norm_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.layer(x)).log_softmax(-1)


class Gpt(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(11, 8)
        self.places = nn.Embedding(6, 8)
        self.norm = nn.LayerNorm(8)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)

    def forward(self, tokens):
        n, t = tokens.shape
        h = self.words(tokens) + self.places(torch.arange(t))
        q, k, v = self.qkv(self.norm(h)).view(n, t, 3, 2, 4).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h + self.out(y.transpose(1, 2).reshape(n, t, 8))
        return h @ self.words.weight.T


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(8, 5, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        h, _ = self.lstm(x)
        h, last = self.gru(h)
        return self.head(torch.tanh(last[-1])), h


class Odd(nn.Module):
    """Slices, gathers, masks, sorting and reductions, as code that is no layer has them."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, 5) * 0.3)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        h = x @ self.w
        top, places = h.topk(3, dim=1)
        masked = torch.where(h > 0, h, h.exp() - 1).masked_fill(x[:, :1] > 1, 0.5)
        gathered = h.gather(1, places)
        upper = torch.triu(torch.einsum("bi,bj->bij", gathered, top))
        pieces = torch.stack(masked[:, ::2].chunk(3, 1), 0).var(0)
        flipped = masked.flip(1).cumsum(1).clamp(-2, 2)
        return upper.sum((1, 2)) * self.scale + pieces.sqrt().sum(-1), torch.cat([flipped, masked.roll(1, 1)], 1)


MODELS = {
    "resnet": (ResNet, lambda n: torch.randn(n, 1, 8, 8)),
    "mobile": (Mobile, lambda n: torch.randn(n, 2, 8, 8)),
    "transformer": (Transformer, lambda n: torch.randn(n, 5, 8)),
    "gpt": (Gpt, lambda n: torch.randint(0, 11, (n, 6))),
    "recurrent": (Recurrent, lambda n: torch.randn(n, 4, 3)),
    "odd": (Odd, lambda n: torch.randn(n, 4)),
}
# As exporters have them by default, weights folded into each other: outputs and the gradient of inputs alone.
FOLDED = ["resnet", "mobile"]


def listed(outputs):
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


def loss(outputs):
    """Σ of each element by a weight of its own, divided by how many there are: as test/torch.test.ts has it."""
    total = 0
    for y in listed(outputs):
        total = total + (y * torch.sin(torch.arange(1, y.numel() + 1, dtype=torch.float32)).view(y.shape)).sum() / y.numel()
    return total


def plain(t):
    return {"shape": list(t.shape), "dtype": "int32" if t.dtype == torch.int64 else "float32", "data": [float(f"{v:.7g}") for v in t.detach().flatten().tolist()]}


def settle(model, make):
    """Running statistics that are not those of an untrained model."""
    with torch.no_grad():
        # Equal weights would become one in the file.
        for p in model.parameters():
            p.add_(torch.randn_like(p) * 0.05)
    model.train()
    if next(model.buffers(), None) is not None:
        for _ in range(3):
            model(make(6))
    return model.eval()


def export(model, x, dynamo, path, folded=False):
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        if dynamo:
            batch = torch.export.Dim("batch", min=2, max=64)
            torch.onnx.export(model, (x,), str(path), dynamo=True, optimize=folded, external_data=False, dynamic_shapes=({0: batch},))
        else:
            torch.onnx.export(model, (x,), str(path), dynamo=False, do_constant_folding=folded, training=torch.onnx.TrainingMode.EVAL if folded else torch.onnx.TrainingMode.PRESERVE, input_names=["x"], dynamic_axes={"x": {0: "batch"}})


def slim(path):
    """Without the exporter's stack traces, which are most of such a file."""
    model = onnx.load(path)
    for item in [*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer]:
        item.doc_string = ""
        del item.metadata_props[:]
    del model.graph.value_info[:], model.graph.metadata_props[:]
    for function in model.functions:
        del function.metadata_props[:]
    onnx.save(model, path)


def main(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make_model, make) in MODELS.items():
        if names and name not in names:
            continue
        torch.manual_seed(5)
        model = settle(make_model(), make)
        cases = [make(3), make(5)]
        for dynamo, folded in [(True, False), (False, False)] + [(True, True), (False, True)] * (name in FOLDED):
            path = folder / f"{name}.{'dynamo' if dynamo else 'script'}{'-folded' if folded else ''}.onnx"
            try:
                export(model, cases[0], dynamo, path, folded)
            except Exception as error:  # noqa: BLE001
                print(f"{path.name}: {type(error).__name__} {str(error)[:200]}")
                continue
            slim(path)
            print(path.name, path.stat().st_size)
        record = {"initial": {key: plain(p) for key, p in model.named_parameters()}, "cases": []}
        for x in cases:
            given = x.clone()
            if given.is_floating_point():
                given.requires_grad_(True)
            model.zero_grad()
            outputs = model(given)
            loss(outputs).backward()
            record["cases"].append({
                "input": plain(x),
                "outputs": [plain(y) for y in listed(outputs)],
                "inputGradient": plain(given.grad) if given.grad is not None else None,
                "gradients": {key: plain(p.grad) for key, p in model.named_parameters()},
            })
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            loss(model(cases[0])).backward()
            optimizer.step()
        record["trained"] = {key: plain(p) for key, p in model.named_parameters()}
        (folder / f"{name}.json").write_text(json.dumps(record))


main(pathlib.Path(sys.argv[1]), sys.argv[2:])
