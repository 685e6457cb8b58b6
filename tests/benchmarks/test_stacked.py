import torch
from torch.nn.functional import cross_entropy

from benchmarks.stacked import LR, StackedLeNets
from tune_mnist.data import prepare_batch, to_tensor
from tune_mnist.models import create_model
from tune_mnist.training import Compute


def test_stacked_networks_train_like_single_ones(digits_split):
    torch.manual_seed(0)
    stacked = StackedLeNets(2, digits_split, 16, Compute(torch.device("cpu"), bf16=False))
    alone = [create_model("lenet") for _ in range(2)]
    for number, network in enumerate(alone):
        network.load_state_dict(
            {name: weight[number].detach() for name, weight in stacked.weights.items()}
        )
    for _ in range(3):
        stacked.step()
    for number, network in enumerate(alone):
        optimizer = torch.optim.Adam(network.parameters(), lr=LR)
        for chosen in torch.split(stacked.order[number], 16)[:3]:
            images = prepare_batch(to_tensor(digits_split.images)[chosen], 32, resize=False)
            optimizer.zero_grad()
            cross_entropy(network(images), to_tensor(digits_split.labels)[chosen]).backward()
            optimizer.step()
        for name, weight in network.named_parameters():
            torch.testing.assert_close(stacked.weights[name][number], weight, rtol=1e-3, atol=1e-5)
