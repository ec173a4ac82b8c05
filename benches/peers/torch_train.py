"""The same network and recipe in PyTorch, with the time of each epoch. usage: torch_train.py DATA_DIR [EPOCHS=20] [LIMIT=0]

Prints Keras's columns. `seconds` covers training and validation of an epoch, not loading and building.
"""
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

from common import load

folder = sys.argv[1]
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 20
limit = int(sys.argv[3]) if len(sys.argv) > 3 else 0
torch.manual_seed(42)
(x, y), (xv, yv), (xt, yt) = [(torch.from_numpy(a)[:, None], torch.from_numpy(b)) for a, b in load(folder, limit)]
n_features = 64 * ((x.shape[2] - 4) // 2) * ((x.shape[3] - 4) // 2)  # after two 3x3 convolutions and the pooling
# The fastest settings found on a CPU: channels_last and the fused Adam. torch.compile did not make a step faster.
net = nn.Sequential(
    nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
    nn.Flatten(), nn.Linear(n_features, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, int(y.max()) + 1),
).to(memory_format=torch.channels_last)
for layer in net:  # Keras's initial weights
    if hasattr(layer, "weight"):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
optimizer = torch.optim.Adam(net.parameters(), 1e-3, eps=1e-7, fused=True)


@torch.inference_mode()
def evaluate(x, y):
    net.eval()
    logits = torch.cat([net(b) for b in x.split(500)])
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


print("epoch,loss,accuracy,val_loss,val_accuracy,seconds")
for epoch in range(1, epochs + 1):
    start, total, correct = time.perf_counter(), 0.0, 0
    net.train()
    for batch in torch.randperm(len(y)).split(128):
        logits = net(x[batch])
        loss = F.cross_entropy(logits, y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
        correct += (logits.argmax(1) == y[batch]).sum().item()
    val = evaluate(xv, yv)
    row = [total / len(y), correct / len(y), *val, time.perf_counter() - start]
    print(epoch, *(f"{v:.5f}" for v in row), sep=",", flush=True)
print("test_loss=%.5f test_accuracy=%.5f" % evaluate(xt, yt), file=sys.stderr)
