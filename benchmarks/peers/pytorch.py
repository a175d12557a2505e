"""PyTorch, eager, with its fused AdamW: python pytorch.py"""
from protocol import Absent, is_random, read_task, serve
from pytorch_kernels import kernel_step
from pytorch_model import build, load, loss_of


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
    model = build(torch, task["model"]["layers"])
    load(torch, model, parameters)
    classes = "classes" in task["target"]
    batches = [(torch.from_numpy(x), torch.from_numpy(y).long() if classes else torch.from_numpy(y)) for x, y in batches]
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
                return model(following()[0]).numpy().flat[0].item()

        return {"engine": engine, "step": predict}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, fused=True)
    loss_function = loss_of(torch, task["model"]["loss"])

    def step():
        x, y = following()
        optimizer.zero_grad(set_to_none=True)
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    work = {"engine": engine + ", fused AdamW", "step": step}
    if is_random(task["model"]["layers"]):

        def first_loss():
            drops = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
            for module in drops:
                module.eval()
            with torch.no_grad():
                x, y = batches[0]
                loss = loss_function(model(x), y).item()
            for module in drops:
                module.train()
            return loss

        work["loss"] = first_loss
    return work


serve(prepare)
