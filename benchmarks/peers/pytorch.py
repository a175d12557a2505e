"""PyTorch, eager, with its fused AdamW: python pytorch.py"""
from protocol import Absent, read_task, serve


def build(torch, model):
    nn = torch.nn
    if model["kind"] == "mlp":
        sizes, layers = model["sizes"], []
        for i in range(len(sizes) - 1):
            layers += [nn.Linear(sizes[i], sizes[i + 1])] + ([nn.ReLU()] if i < len(sizes) - 2 else [])
        return nn.Sequential(*layers)
    if model["kind"] == "cnn":
        a, b = model["channels"]
        return nn.Sequential(
            nn.Conv2d(1, a, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(b * (model["side"] // 4) ** 2, model["classes"]),
        )

    class Block(nn.Module):
        def __init__(self, width, heads, hidden):
            super().__init__()
            self.norm1 = nn.LayerNorm(width)
            self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
            self.norm2 = nn.LayerNorm(width)
            self.linear1 = nn.Linear(width, hidden)
            self.linear2 = nn.Linear(hidden, width)

        def forward(self, x):
            y = self.norm1(x)
            x = x + self.attention(y, y, y, need_weights=False)[0]
            return x + self.linear2(nn.functional.gelu(self.linear1(self.norm2(x))))

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList(
                [Block(model["width"], model["heads"], model["hidden"]) for _ in range(model["blocks"])]
            )
            self.head = nn.Linear(model["width"], model["classes"])

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return self.head(x.mean(1))

    return Transformer()


def kernel_step(torch, kernel):
    """One kernel over tensors that lie ready, its result written where the library lets one say so."""
    name = kernel["name"]
    f = torch.nn.functional
    if name == "copy":
        a, b = torch.rand(kernel["length"]), torch.empty(kernel["length"])
        return lambda: b.copy_(a)
    if name == "gemm":
        n = kernel["size"]
        a, b, c = torch.rand(n, n), torch.rand(n, n), torch.empty(n, n)
        return lambda: torch.mm(a, b, out=c)
    if name in ("activation", "mishInOps"):
        names = {"leakyRelu": "leaky_relu", "softplus": "softplus", "hardSwish": "hardswish", "hardSigmoid": "hardsigmoid",
                 "hardTanh": "hardtanh", "logSigmoid": "logsigmoid", "tanhshrink": "tanhshrink"}
        if name == "mishInOps":
            def act(x):
                return x * torch.tanh(f.softplus(x))
        else:
            plain = names.get(kernel["activation"], kernel["activation"])
            act = getattr(f, plain, None) or getattr(torch, plain, None)
            try:
                act(torch.zeros(2))
            except TypeError:  # There is none of that name, or not without options.
                raise Absent({"cannot": "it has no " + kernel["activation"] + " with defaults"})
        x, g = torch.rand(kernel["length"]) * 2 - 1, torch.rand(kernel["length"])
        if not kernel["backward"]:
            return lambda: act(x)
        x.requires_grad_()
        y = act(x)
        return lambda: torch.autograd.grad(y, x, g, retain_graph=True)
    if name == "crossEntropyRows":
        x = torch.rand(kernel["rows"], kernel["classes"], requires_grad=True)
        y = torch.randint(kernel["classes"], (kernel["rows"],))
        return lambda: torch.autograd.grad(f.cross_entropy(x, y), x)
    if name == "adamw":
        p = torch.nn.Parameter(torch.rand(kernel["length"]))
        p.grad = torch.rand(kernel["length"])
        return torch.optim.AdamW([p], fused=True).step
    a, b = kernel["channels"]
    n, side = kernel["batch"], kernel["side"]
    x, w = torch.rand(n, a, side, side), torch.rand(b, a, 3, 3)
    if kernel["part"] == "forward":
        return lambda: f.conv2d(x, w, padding=1)
    x.requires_grad_()
    w.requires_grad_()
    g = torch.rand(n, b, side, side)
    return lambda: torch.autograd.grad(f.conv2d(x, w, padding=1), [x, w], g)


def prepare(task, threads):
    try:
        import torch
    except ImportError:
        raise Absent({"needs": "PyTorch", "remedy": "--python PATH of one that has torch and numpy"})
    torch.set_num_threads(threads)
    engine = "PyTorch " + torch.__version__.split("+")[0] + ", eager"
    if task["kind"] == "kernel":
        step = kernel_step(torch, task["kernel"])
        if task["kernel"]["name"] != "adamw":
            return {"engine": engine, "step": step}
        return {"engine": engine + ", fused AdamW", "step": step}
    if task["kind"] not in ("train", "predict", "loader"):
        raise Absent({"cannot": "what is measured here is ermine's own"})
    parameters, batches = read_task(task)
    model = build(torch, task["model"])
    model.load_state_dict({name: torch.from_numpy(value) for name, value in parameters.items()})
    batches = [(torch.from_numpy(x), torch.from_numpy(y).long()) for x, y in batches]
    if task["kind"] == "loader":
        data = torch.utils.data.TensorDataset(torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches]))
        loader = torch.utils.data.DataLoader(data, batch_size=task["batch"], shuffle=True)

        def epoch():
            for _ in loader:
                pass

        return {"engine": engine + ", DataLoader", "step": epoch}
    count = [0]

    def following():
        count[0] += 1
        return batches[(count[0] - 1) % len(batches)]

    if task["kind"] == "predict":
        model.eval()

        def predict():
            with torch.inference_mode():
                return model(following()[0]).numpy()[0, 0]

        return {"engine": engine, "step": predict}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, fused=True)
    cross_entropy = torch.nn.functional.cross_entropy

    def step():
        x, y = following()
        optimizer.zero_grad(set_to_none=True)
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return {"engine": engine + ", fused AdamW", "step": step}


serve(prepare)
