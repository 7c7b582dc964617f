"""Many small networks at once: perceptrons as stacked matrices, convolutional networks as groups of one convolution.

No number goes from one network to another, so training them together under the sum of their losses is training each
alone, only sooner: a machine that is idle with one small network is busy with forty.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from repro.ground.checks import not_negative, positive_number, whole_number
from repro.training.loop import checked_rows
from repro.training.networks import SCALE, at_least_one, start_convolutions

Generators = torch.Generator | Sequence[torch.Generator] | None
"""One generator for one model after the other, or one for each model; None for PyTorch's own."""

Activation = Literal["relu", "tanh"]
StackLoss = Callable[..., Tensor]
"""``loss(logits, labels)`` of shapes (models, n, C) and (models, n): a number for each row, shape (models, n), or for
each model, shape (models,)."""

AHEAD: Final = 32
"""Batches whose rows are drawn at once."""


def _one_each(generator: Generators, n_models: int) -> list[torch.Generator | None]:
    if generator is None or isinstance(generator, torch.Generator):
        return [generator] * n_models
    if len(generator) != n_models:
        raise ValueError(f"generator must be one, or one for each of {n_models} models, got {len(generator)}")
    return list(generator)


class Stack(nn.Module, ABC):
    """Networks side by side.

    Attributes
    ----------
    n_models : int
    row_ndim : int
        Axes of one input row: 1 for vectors, 3 for images.
    """

    n_models: int
    row_ndim: int

    @abstractmethod
    def by_model(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Features of shape (models, n, d) and logits of shape (models, n, C).

        Parameters
        ----------
        inputs : Tensor of shape (n, ...) or (models, n, ...)
            The same for all models, or each model's own.
        """


class _StackedLinear(nn.Module):
    """An affine layer for each model."""

    def __init__(self, n_models: int, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_models, n_inputs, n_outputs))
        self.bias = nn.Parameter(torch.empty(n_models, n_outputs))

    def start(self, model: int, generator: torch.Generator | None) -> None:
        """Draw weights and bias of a model as those of :class:`torch.nn.Linear`."""
        _, n_inputs, n_outputs = self.weight.shape
        reach = n_inputs**-0.5
        with torch.no_grad():
            self.weight[model] = torch.empty(n_outputs, n_inputs).uniform_(-reach, reach, generator=generator).T
            self.bias[model] = torch.empty(n_outputs).uniform_(-reach, reach, generator=generator)

    def forward(self, rows: Tensor) -> Tensor:
        """Shape (models, n, n_outputs) from (n, n_inputs) or (models, n, n_inputs)."""
        return torch.baddbmm(self.bias[:, None], rows.expand(len(self.weight), *rows.shape[-2:]), self.weight)


class MlpStack(Stack):
    """Perceptrons of the same shape, model axis first.

    Parameters
    ----------
    n_models, n_inputs : int
    widths : sequence of int
        Units of the hidden layers; none for linear models.
    n_outputs : int
    activation : "relu" or "tanh", default="relu"
        After every hidden layer.
    generator : torch.Generator, sequence of them or None
        Draws weights and biases of one model after the other, uniform within one over the root of a layer's inputs as
        in :func:`repro.training.feature_mlp`; or one for each model, so that models with generators of equal seeds
        start alike.

    Attributes
    ----------
    head : nn.Module
        The last layer.

    Raises
    ------
    TypeError
        If a number is no whole number.
    ValueError
        If a number is below 1, the activation is unknown or the generators are not as many as the models.
    """

    row_ndim = 1

    def __init__(
        self,
        n_models: int,
        n_inputs: int,
        widths: Sequence[int],
        n_outputs: int,
        *,
        activation: Activation = "relu",
        generator: Generators = None,
    ) -> None:
        super().__init__()
        at_least_one(n_models=n_models, n_inputs=n_inputs, n_outputs=n_outputs)
        at_least_one(**{f"widths[{place}]": width for place, width in enumerate(widths)})
        if activation not in get_args(Activation):
            raise ValueError(f"activation must be one of {get_args(Activation)}, got {activation!r}")
        self.n_models, self.activation = n_models, activation
        sizes = [n_inputs, *widths, n_outputs]
        layers = [_StackedLinear(n_models, *pair) for pair in pairwise(sizes)]
        for model, draws in enumerate(_one_each(generator, n_models)):
            for layer in layers:
                layer.start(model, draws)
        self.layers, self.head = nn.ModuleList(layers[:-1]), layers[-1]

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Features of shape (models, n, last width) and logits of shape (models, n, n_outputs).

        Parameters
        ----------
        inputs : Tensor of shape (n, n_inputs) or (models, n, n_inputs)
        """
        features = inputs
        for layer in self.layers:
            features = torch.relu(layer(features)) if self.activation == "relu" else torch.tanh(layer(features))
        return features.expand(self.n_models, *features.shape[-2:]), self.head(features)

    def by_model(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`forward`."""
        outputs: tuple[Tensor, Tensor] = self(inputs)
        return outputs


class _Classifiers(nn.Module):
    """A cosine classifier, or a linear one without a bias where `scale` is None, for each group of features."""

    def __init__(self, start: Tensor, scale: float | None) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(start if scale is None else functional.normalize(start, dim=1))

    def forward(self, features: Tensor) -> Tensor:
        """Logits of shape (n, ..., n_classes), float32, from features of shape (n, ..., n_features)."""
        with torch.autocast(features.device.type, enabled=False):
            groups = features.float().reshape(len(features), -1, features.shape[-1])
            if self.scale is None:
                logits = torch.einsum("ngf,gfc->ngc", groups, self.weight)
            else:
                unit = functional.normalize(groups, dim=2)
                logits = self.scale * torch.einsum("ngf,gfc->ngc", unit, functional.normalize(self.weight, dim=1))
            return logits.view(*features.shape[:-1], -1)


def _grouped_layers(n_channels: int, models: int, groups: int, n_last: int) -> nn.Sequential:
    """Three convolutions, the first two with pooling, and the mean over a 2 x 2 grid; a group is one expert."""

    def layer(n_inputs: int, n_outputs: int, parts: int) -> list[nn.Module]:
        convolution = nn.Conv2d(n_inputs, n_outputs, 3, padding=1, bias=False, groups=parts)
        return [convolution, nn.BatchNorm2d(n_outputs)]

    # the largest of a square and ReLU may change places: a quarter of the numbers is left for ReLU
    return nn.Sequential(
        *layer(n_channels * models, 8 * models, models),
        nn.MaxPool2d(2),
        nn.ReLU(inplace=True),
        *layer(8 * models, 16 * groups, models),
        nn.MaxPool2d(2),
        nn.ReLU(inplace=True),
        *layer(16 * groups, n_last * groups, groups),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(2),
    )


def _folded(layers: nn.Sequential) -> nn.Sequential:
    """Layers for evaluation, with batch normalisation folded into convolutions: the same function, sooner."""
    folded: list[nn.Module] = []
    for layer in layers:
        if isinstance(layer, nn.BatchNorm2d):
            convolution = folded.pop()
            assert isinstance(convolution, nn.Conv2d)
            folded.append(fuse_conv_bn_eval(convolution, layer))
        else:
            folded.append(layer)
    return nn.Sequential(*folded)


class SmallExperts(nn.Module):
    """Several small networks with experts, trained side by side by grouped convolutions.

    Each network has a shared 3x3 convolution to 8 channels, then for each expert two of 16 and 32 channels and the mean
    over a 2 x 2 grid; all with batch normalisation and ReLU, pooling after the first two, cosine classifiers at the
    end. Networks without experts: :class:`SideBySide`.

    Parameters
    ----------
    num_classes : int
        C.
    num_experts : int, default=3
    num_models : int, default=1
        Networks side by side.
    scale : float, default=30
    generator : torch.Generator or None

    Raises
    ------
    TypeError
        If a number is no whole number.
    ValueError
        If a number is below 1.
    """

    def __init__(
        self,
        num_classes: int,
        num_experts: int = 3,
        num_models: int = 1,
        *,
        scale: float = SCALE,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        at_least_one(num_classes=num_classes, num_experts=num_experts, num_models=num_models)
        self.num_models, self.num_experts, self.num_classes = num_models, num_experts, num_classes
        groups = num_models * num_experts
        self.layers = _grouped_layers(1, num_models, groups, 32)
        start_convolutions(self, generator)
        start = torch.empty(groups, 128, num_classes).uniform_(-1.0, 1.0, generator=generator)
        self.classifiers = _Classifiers(start, positive_number("scale", scale))

    @property
    def head(self) -> nn.Module:
        """The classifiers: from features of shape (n, num_models, num_experts, d) to logits."""
        return self.classifiers

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits of grey images.

        Parameters
        ----------
        images : Tensor of shape (n, num_models, height, width)
            The images of each network as a channel; with one channel all networks see the same.

        Returns
        -------
        features : Tensor of shape (n, num_models, num_experts, 128)
        logits : Tensor of shape (n, num_models, num_experts, num_classes), float32
        """
        layers = self.layers if self.training or torch.is_grad_enabled() else _folded(self.layers)
        maps = layers(images.expand(-1, self.num_models, -1, -1))
        features = maps.reshape(len(maps), self.num_models, self.num_experts, -1)
        return features, self.classifiers(features)


class SideBySide(Stack):
    """Several small convolutional networks, trained side by side by grouped convolutions in channels-last order.

    Each has 3x3 convolutions to 8, 16 and a quarter of `n_features` channels, with batch normalisation and ReLU,
    pooling after the first two, the mean over a 2 x 2 grid, and a classifier without a bias.

    Parameters
    ----------
    num_models : int
        G, networks side by side.
    num_classes : int
        C.
    cosine : float or None, default=None
        Scale of cosine classifiers; None for linear ones.
    n_features : int, default=128
        d, divisible by 4.
    n_channels : int, default=1
        Channels of the images of one network.
    generator : torch.Generator, sequence of them or None
        Draws the weights of one network after the other; or one for each network, so that networks with generators of
        equal seeds start alike.

    Raises
    ------
    TypeError
        If a number is no whole number.
    ValueError
        If a number is out of its range or the generators are not as many as the networks.
    """

    row_ndim = 3

    def __init__(
        self,
        num_models: int,
        num_classes: int,
        *,
        cosine: float | None = None,
        n_features: int = 128,
        n_channels: int = 1,
        generator: Generators = None,
    ) -> None:
        super().__init__()
        at_least_one(num_models=num_models, num_classes=num_classes, n_features=n_features, n_channels=n_channels)
        if n_features % 4:
            raise ValueError(f"n_features must be divisible by 4, got {n_features}")
        if cosine is not None:
            positive_number("cosine", cosine)
        self.n_models, self.num_classes, self.n_channels = num_models, num_classes, n_channels
        self.layers = _grouped_layers(n_channels, num_models, num_models, n_features // 4)
        start = torch.empty(num_models, n_features, num_classes)
        reach = n_features**-0.5 if cosine is None else 1.0
        for model, draws in enumerate(_one_each(generator, num_models)):
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight.data.chunk(num_models)[model], generator=draws)
            start[model].uniform_(-reach, reach, generator=draws)
        self.classifiers = _Classifiers(start, cosine)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def head(self) -> nn.Module:
        """The classifiers: from features of shape (n, G, d) to logits."""
        return self.classifiers

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features and logits.

        Parameters
        ----------
        images : Tensor of shape (n, n_channels, height, width) or (n, G n_channels, height, width)
            The same for all networks, or the channels of the images of the first, of the second, ...

        Returns
        -------
        features : Tensor of shape (n, G, d)
        logits : Tensor of shape (n, G, C), float32

        Raises
        ------
        ValueError
            If images have another shape.
        """
        allowed = (self.n_channels, self.n_models * self.n_channels)
        if images.ndim != 4 or images.shape[1] not in allowed:
            raise ValueError(
                f"images must have shape (n, channels, height, width) with {allowed[0]} channels for all networks or "
                f"{allowed[1]} for {self.n_models} of them, got {tuple(images.shape)}"
            )
        if images.shape[1] != allowed[1]:
            images = images.repeat(1, self.n_models, 1, 1)
        layers = self.layers if self.training or torch.is_grad_enabled() else _folded(self.layers)
        maps = layers(images.contiguous(memory_format=torch.channels_last))
        features = maps.reshape(len(maps), self.n_models, -1)
        return features, self.classifiers(features)

    def by_model(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Features of shape (G, n, d) and logits of shape (G, n, C); images of shape (n, ...) or (G, n, ...)."""
        if inputs.ndim == self.row_ndim + 2:
            inputs = inputs.transpose(0, 1).flatten(1, 2)
        features, logits = self(inputs)
        return features.transpose(0, 1), logits.transpose(0, 1)


class SummedLosses(nn.Module):
    """The objective of networks side by side in :func:`repro.training.train`: the sum of a loss for each.

    Parameters
    ----------
    losses : sequence of nn.Module
        ``loss(logits, labels)`` of each network, a scalar of logits of shape (n, C).
    own_labels : bool, default=False
        Whether labels have a column for each network.

    Raises
    ------
    ValueError
        If there is no loss, or at the call if the losses are not as many as the networks.
    """

    def __init__(self, losses: Sequence[nn.Module], *, own_labels: bool = False) -> None:
        super().__init__()
        if not losses:
            raise ValueError("losses must hold a loss for each network, got none")
        self.losses = nn.ModuleList(losses)
        self.own_labels = own_labels

    def set_epoch(self, epoch: int) -> None:
        """Tell the epoch, counted from 0, to the losses that want to know."""
        for loss in self.losses:
            tell = getattr(loss, "set_epoch", None)
            if tell is not None:
                tell(epoch)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Scalar, from logits of shape (n, G, C) and labels of shape (n, ...), or (n, G, ...) with `own_labels`."""
        if logits.ndim != 3 or logits.shape[1] != len(self.losses):
            raise ValueError(
                f"logits must have shape (n, {len(self.losses)}, classes), one for each loss, got {tuple(logits.shape)}"
            )
        values = [
            loss(logits[:, model], labels[:, model] if self.own_labels else labels)
            for model, loss in enumerate(self.losses)
        ]
        return torch.stack(values).sum()


def per_row(loss: Callable[[Tensor, Tensor], Tensor]) -> StackLoss:
    """Make a loss for stacks of one that gives a number for each row, as PyTorch's with ``reduction="none"``.

    Parameters
    ----------
    loss : callable
        From logits of shape (n, C) and labels of shape (n,) to shape (n,).

    Returns
    -------
    callable
        From logits of shape (models, n, C) and labels of shape (models, n) to shape (models, n).
    """

    def stacked(logits: Tensor, labels: Tensor) -> Tensor:
        return loss(logits.flatten(0, 1), labels.flatten()).view(labels.shape)

    return stacked


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of every row, shape (models, n)."""
    return functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")


def _for_each_model(name: str, values: float | Sequence[float] | Tensor, n_models: int, *, positive: bool) -> Tensor:
    given = values.tolist() if hasattr(values, "tolist") else values
    numbers = [given] * n_models if not isinstance(given, Sequence) else list(given)
    if len(numbers) != n_models:
        raise ValueError(f"{name} must be one number, or one for each of {n_models} models, got {len(numbers)}")
    check = positive_number if positive else not_negative
    return torch.tensor([check(name, number) for number in numbers])


def _rows_of_models(rows: Sequence[Tensor] | Tensor | None, n: int, n_models: int) -> list[Tensor]:
    if rows is None:
        return [torch.arange(n)] * n_models
    if len(rows) != n_models:
        raise ValueError(f"rows must hold row numbers for each of {n_models} models, got {len(rows)}")
    found = []
    for model, given in enumerate(rows):
        found.append(checked_rows(f"rows[{model}]", given, n))
    return found


def _batches(rows: Sequence[Tensor], size: int, generators: Sequence[torch.Generator | None]) -> Iterator[Tensor]:
    """Row numbers of batches without end, shape (models, size): each model sees all its rows, then all again."""
    left = [numbers[:0] for numbers in rows]
    while True:
        for model, draws in enumerate(generators):
            parts = [left[model]]
            while sum(map(len, parts)) < size * AHEAD:
                parts.append(rows[model][torch.randperm(len(rows[model]), generator=draws)])
            left[model] = torch.cat(parts)
        yield from torch.split(torch.stack([numbers[: size * AHEAD] for numbers in left]), size, dim=1)
        left = [numbers[size * AHEAD :] for numbers in left]


class _Steps:
    """Steps of one optimiser of PyTorch, shortened for each model by its own learning rate.

    Steps of all optimisers here are proportional to the learning rate. So the optimiser goes with rate 1, and a model
    goes the share of the way that its own rate says.
    """

    def __init__(
        self,
        stack: Stack,
        optimizer: Literal["adam", "sgd"],
        momentum: float,
        rates: Tensor,
        decays: Tensor,
        masks: Mapping[str, Tensor],
    ) -> None:
        named = {name: value for name, value in stack.named_parameters() if value.requires_grad}
        parameters = list(named.values())
        for name, mask in masks.items():
            if name not in named:
                raise ValueError(f"masks must be of trained parameters, {list(named)}, got {name!r}")
            if mask.shape != named[name].shape:
                raise ValueError(
                    f"the mask of {name} must have shape {tuple(named[name].shape)}, got {tuple(mask.shape)}"
                )

        def along(values: Tensor, parameter: Tensor) -> Tensor:
            each = values.to(parameter.device).repeat_interleave(len(parameter) // stack.n_models)
            return each.view(-1, *[1] * (parameter.ndim - 1))

        self.parameters = parameters
        self.rates = [along(rates, parameter) for parameter in parameters]
        self.decays = [along(decays, parameter) for parameter in parameters] if decays.any() else None
        self.masks = [(named[name], mask.to(named[name])) for name, mask in masks.items()]
        self.optimizer: torch.optim.Optimizer
        if optimizer == "sgd":
            self.optimizer = torch.optim.SGD(parameters, lr=1.0, momentum=momentum, foreach=True)
        else:
            self.optimizer = torch.optim.Adam(parameters, lr=1.0, foreach=True)
        self.mask()

    @torch.no_grad()
    def mask(self) -> None:
        """Set what the masks leave out to 0."""
        for parameter, mask in self.masks:
            parameter.mul_(mask)

    @torch.no_grad()
    def step(self) -> None:
        """Change the parameters by their gradients."""
        if self.decays is not None:
            for parameter, decay in zip(self.parameters, self.decays, strict=True):
                assert parameter.grad is not None
                parameter.grad.addcmul_(decay, parameter)
        before = [parameter.clone() for parameter in self.parameters]
        self.optimizer.step()
        for parameter, start, rate in zip(self.parameters, before, self.rates, strict=True):
            parameter.copy_(torch.lerp(start, parameter, rate))
        self.mask()


def _losses_of_models(
    loss: StackLoss | Sequence[StackLoss], n_models: int
) -> list[tuple[StackLoss, slice | list[int]]]:
    """Each loss with its models."""
    if not isinstance(loss, Sequence):
        return [(loss, slice(None))]
    if len(loss) != n_models:
        raise ValueError(f"loss must be one, or one for each of {n_models} models, got {len(loss)}")
    groups: dict[int, list[int]] = {}
    for model, mine in enumerate(loss):
        groups.setdefault(id(mine), []).append(model)
    return [(loss[models[0]], models) for models in groups.values()]


def _objective(values: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """Sum over models of a loss's values: the mean over rows, or one number for each model."""
    models, n = labels.shape
    if values.shape == (models,):
        if weights is not None:
            raise ValueError(
                "row_weights need a loss that gives a number for each row, and this one gives one for each model"
            )
        return values.sum()
    if values.shape != (models, n):
        raise ValueError(
            f"loss must give shape ({models}, {n}), a number for each row, or ({models},), one for each model; got "
            f"{tuple(values.shape)}"
        )
    return (values if weights is None else values * weights).mean(dim=1).sum()


def train_stack(
    stack: Stack,
    inputs: Tensor,
    labels: Tensor,
    loss: StackLoss | Sequence[StackLoss] = cross_entropy,
    *,
    steps: int,
    learning_rate: float | Sequence[float] | Tensor,
    optimizer: Literal["adam", "sgd"] = "adam",
    momentum: float = 0.9,
    weight_decay: float | Sequence[float] | Tensor = 0.0,
    batch_size: int | None = None,
    rows: Sequence[Tensor] | Tensor | None = None,
    row_weights: Tensor | None = None,
    masks: Mapping[str, Tensor] | None = None,
    row_ids: bool = False,
    generator: Generators = None,
    after_step: Callable[[Stack, int], object] | None = None,
) -> Stack:
    """Train networks side by side, in place; each as if it were alone, so that one which diverges spoils no other.

    Parameters
    ----------
    stack : MlpStack or SideBySide
        On the device of `inputs`. Parameters that do not require gradients stay as they are.
    inputs : Tensor of shape (n, ...) or (models, n, ...)
        Rows for all models, or each model's own.
    labels : Tensor of shape (n,) or (models, n)
    loss : callable or sequence of them, default=cross-entropy
        ``loss(logits, labels)`` of shapes (models, batch, C) and (models, batch): a number for each row, shape (models,
        batch), of which the mean is taken, or one for each model, shape (models,). :func:`per_row` makes one of a loss
        as PyTorch's. A sequence has a loss for each model; models with the same object are given to it together.
    steps : int
        Updates.
    learning_rate : float or one for each model
    optimizer : "adam" or "sgd", default="adam"
    momentum : float, default=0.9
        Of SGD.
    weight_decay : float or one for each model, default=0
        Added to the gradient, times the parameters, as in PyTorch's SGD and Adam.
    batch_size : int or None, default=None
        Rows of a batch of each model; None for all its rows in every step. A model sees its rows in random order, then
        in another one; a batch may hold the end of one pass and the beginning of the next.
    rows : sequence of Tensor of shape (m,), int64, or None
        Row numbers that each model is trained on; a row may stand there several times. None for all rows. Without a
        `batch_size` all models have equally many.
    row_weights : Tensor of shape (n,) or (models, n), or None
        Factors of the losses of rows; the mean is over the number of rows, not the sum of weights.
    masks : mapping of str to Tensor, or None
        By name of a parameter, of its shape: where a mask is 0 the weight is 0 from before the first step on.
    row_ids : bool, default=False
        Whether losses get a third argument of shape (models, batch), int64: ``model * n + row``, for a memory of rows.
    generator : torch.Generator, sequence of them or None
        Draws the order of rows, from a stream of its own for each model; a fresh one with seed 0 by default. With one
        for each model, models with generators of equal seeds see their rows in equal order.
    after_step : callable or None
        ``after_step(stack, step)`` after every update, counted from 1, without gradients.

    Returns
    -------
    Stack
        The same, in evaluation mode.

    Raises
    ------
    TypeError, ValueError
        For an argument of another type, shape or range, or a loss that gives another shape.
    """
    n_models, device = stack.n_models, inputs.device
    whole_number("steps", steps, at_least=0)
    shared = inputs.ndim == stack.row_ndim + 1
    if not shared and (inputs.ndim != stack.row_ndim + 2 or len(inputs) != n_models):
        raise ValueError(
            f"inputs must have {stack.row_ndim + 1} axes, rows first, or {stack.row_ndim + 2}, {n_models} models "
            f"first; got shape {tuple(inputs.shape)}"
        )
    n = inputs.shape[0 if shared else 1]
    for name, values in (("labels", labels), ("row_weights", row_weights)):
        if values is not None and values.shape not in ((n,), (n_models, n)):
            raise ValueError(f"{name} must have shape ({n},) or ({n_models}, {n}), got {tuple(values.shape)}")
    if optimizer not in ("adam", "sgd"):
        raise ValueError(f"optimizer must be 'adam' or 'sgd', got {optimizer!r}")
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be at least 0 and below 1, got {momentum}")
    numbers = _rows_of_models(rows, n, n_models)
    rates = _for_each_model("learning_rate", learning_rate, n_models, positive=True)
    decays = _for_each_model("weight_decay", weight_decay, n_models, positive=False)
    losses = _losses_of_models(loss, n_models)
    update = _Steps(stack, optimizer, momentum, rates, decays, masks or {})
    model_axis = torch.arange(n_models, device=device)[:, None]
    batches: Iterator[Tensor] | None = None
    if batch_size is not None:
        whole_number("batch_size", batch_size, at_least=1)
        batches = _batches(numbers, batch_size, _streams(generator, n_models))
    elif len(sizes := {len(mine) for mine in numbers}) > 1:
        raise ValueError(f"rows of all models must be equally many without a batch_size, got {sorted(sizes)}")
    own_labels = labels.expand(n_models, n)
    own_weights = None if row_weights is None else row_weights.to(device).expand(n_models, n)
    stack.train()
    for step in range(1, steps + 1):
        if step == 1 or batches is not None:
            index = (torch.stack(numbers) if batches is None else next(batches)).to(device)
            given = inputs[index] if shared else inputs[model_axis, index]
            if batches is None and rows is None:
                given = inputs
            targets = own_labels[model_axis, index]
            weights = None if own_weights is None else own_weights[model_axis, index]
        update.optimizer.zero_grad(set_to_none=True)
        _, logits = stack.by_model(given)
        total = torch.zeros((), device=device)
        for one, mine in losses:
            arguments = [logits[mine], targets[mine]]
            if row_ids:
                arguments.append((model_axis * n + index)[mine])
            total = total + _objective(one(*arguments), targets[mine], None if weights is None else weights[mine])
        total.backward()  # type: ignore[no-untyped-call]
        update.step()
        if after_step is not None:
            with torch.no_grad():
                after_step(stack, step)
            stack.train()
    return stack.eval()


def _streams(generator: Generators, n_models: int) -> list[torch.Generator | None]:
    """Give each model a generator; of a single one, their seeds are drawn from it."""
    if generator is None or isinstance(generator, torch.Generator):
        root = torch.Generator().manual_seed(0) if generator is None else generator
        seeds = [int(torch.randint(2**62, (), generator=root)) for _ in range(n_models)]
        return [torch.Generator().manual_seed(seed) for seed in seeds]
    return _one_each(generator, n_models)
