"""
A small model that PEFT adapts: its parameters, the adapter's files as PEFT saves them, outputs before and after, gradients, five steps of SGD, and the merged weights.
test/lora.test.ts holds lora against them.

    pip install torch peft
    python golden/lora.py golden/lora
    python golden/lora.py golden/lora FOLDER        # does PEFT load what is in FOLDER, and give the outputs of FOLDER/outputs.json?
"""

import json
import pathlib
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(7, 6)
        self.conv = nn.Conv1d(6, 5, 3, padding=1)
        self.block = nn.ModuleDict({"q_proj": nn.Linear(5, 4), "out": nn.Linear(4, 3, bias=False)})

    def forward(self, tokens):
        h = torch.tanh(self.conv(self.words(tokens).transpose(1, 2))).mean(2)
        return self.block["out"](torch.relu(self.block["q_proj"](h)))


TARGETS = ["words", "conv", "q_proj", "out"]


def plain(t):
    return {"shape": list(t.shape), "dtype": "int32" if t.dtype == torch.int64 else "float32", "data": [float(f"{v:.8g}") for v in t.detach().flatten().tolist()]}


def loss(y):
    return (y * torch.sin(torch.arange(1, y.numel() + 1, dtype=torch.float32)).view(y.shape)).sum() / y.numel()


def name_of(key):
    return key.replace(".default", "")


def make(folder):
    torch.manual_seed(3)
    net = Net()
    tokens = torch.randint(0, 7, (4, 5))
    record = {"state": {key: plain(p) for key, p in net.state_dict().items()}, "input": plain(tokens), "before": plain(net(tokens))}
    adapted = get_peft_model(net, LoraConfig(r=3, lora_alpha=6, target_modules=TARGETS, lora_dropout=0.0))
    trained = [(key, p) for key, p in adapted.named_parameters() if p.requires_grad]
    with torch.no_grad():
        for _, p in trained:
            p.add_(torch.randn_like(p) * 0.3)
    adapted.save_pretrained(folder)
    output = adapted(tokens)
    loss(output).backward()
    record["after"] = plain(output)
    record["gradients"] = {name_of(key): plain(p.grad) for key, p in trained}
    optimizer = torch.optim.SGD([p for _, p in trained], lr=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        loss(adapted(tokens)).backward()
        optimizer.step()
    record["trained"] = {name_of(key): plain(p) for key, p in trained}
    merged = adapted.merge_and_unload()
    record["merged"] = {key: plain(p) for key, p in merged.state_dict().items()}
    (folder / "record.json").write_text(json.dumps(record))
    (folder / "README.md").unlink(missing_ok=True)


def check(folder, given):
    record = json.loads((folder / "record.json").read_text())
    tensor = lambda p: torch.tensor(p["data"]).view(p["shape"])  # noqa: E731
    net = Net()
    net.load_state_dict({key: tensor(p) for key, p in record["state"].items()})
    outputs = PeftModel.from_pretrained(net, given)(tensor(record["input"]).long())
    difference = (outputs - tensor(json.loads((given / "outputs.json").read_text()))).abs().max().item()
    print("largest difference", difference)
    assert difference < 1e-5


folder = pathlib.Path(sys.argv[1])
check(folder, pathlib.Path(sys.argv[2])) if len(sys.argv) > 2 else make(folder)
