"""Where training starts: random weights, weights that interpolate, or those of another network.

The paper trains x3 and x4 networks from the weights of the x2 network. Everything up to the upsampler fits; of the
upsampler, the released code loads what has the same name and shape, which for x4 is the first of its two steps and the
last convolution. :func:`adopt` does the same; between scale 1, whose last convolution gives what is added to the input,
and another, nothing of the upsampler is taken.
"""

import torch
from torch import Tensor, nn

from satlib.network.attention import SelectiveAggregationAttention
from satlib.network.convolutional import Network, NetworkConfig
from satlib.training.networks import build_network, load_network
from satlib.training.patches import stream


def first_network(
    config: NetworkConfig, start: str, seed: int, *, query_std: float | None = None
) -> tuple[Network, list[str]]:
    """Return the network that training starts with, and the names of weights that a file did not give.

    ``start``, ``seed`` and ``query_std`` are those of :class:`satlib.training.TrainConfig`.

    Raises
    ------
    OSError, ValueError
        If the file of weights cannot be read, or does not fit; or the network is too narrow to interpolate.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed))
        model = build_network(config)
        if query_std is not None:
            begin_selective(model, query_std)
    if start == "random":
        return model, []
    if start == "interpolation":
        interpolate(model)
        return model, []
    return model, adopt(model, load_network(config, start))


def adopt(model: Network, other: Network) -> list[str]:
    """Copy the weights of another network, all but those of the upsampler that do not fit; return their names.

    Raises
    ------
    ValueError
        If anything else does not fit.
    """
    own, given = model.state_dict(), other.state_dict()
    if (model.scale == 1) != (other.scale == 1):  # one adds to its input, the other to the mean colour
        given = {name: tensor for name, tensor in given.items() if not name.startswith("upsampler.")}
    elif isinstance(last := model.upsampler[-1], nn.Conv2d) and isinstance(other.upsampler[-1], nn.Conv2d):
        index, other_index = len(model.upsampler) - 1, len(other.upsampler) - 1
        for name in last.state_dict():
            given[f"upsampler.{index}.{name}"] = given.pop(f"upsampler.{other_index}.{name}")
    fresh = [name for name, tensor in own.items() if name not in given or given[name].shape != tensor.shape]
    foreign = [name for name in fresh if not name.startswith("upsampler.")]
    if foreign:
        raise ValueError(
            f"the weights to start from do not fit the network: {foreign[0]} is {_shape(given, foreign[0])}, not "
            f"{tuple(own[foreign[0]].shape)}" + (f" (and {len(foreign) - 1} more)" if len(foreign) > 1 else "")
        )
    model.load_state_dict({name: own[name] if name in fresh else given[name] for name in own})
    return fresh


@torch.no_grad()
def begin_selective(model: Network, std: float) -> None:
    """Draw one matrix for the queries and the keys of each SAA layer; their biases, if any, stay as they are.

    The logit of two tokens is then their scalar product in a random projection, largest, as a rule, for like tokens.
    """
    for module in model.modules():
        if isinstance(module, SelectiveAggregationAttention):
            module.query.weight.normal_(std=std)
            module.key.weight.copy_(module.query.weight)


@torch.no_grad()
def interpolate(model: Network) -> None:
    """Change an untrained network of the upsampler "onestep" so that it interpolates bilinearly.

    One of scale 1, which adds to its input, begins near it: its last convolution, with any upsampler and any widths, is
    divided by 10, its bias 0.

    As many of its channels as the image has carry it: the first convolution copies it into them, the body adds nothing
    to them, the features keep them and, as LeakyReLU lets negative values through at a hundredth only, their negatives;
    the last convolution interpolates. All other weights stay as they were drawn, but those of the last convolution are
    divided by 10. Training then begins at the PSNR of bilinear interpolation and not at that of noise.

    Raises
    ------
    ValueError
        If the upsampler is another, or there are fewer channels before it than the image has, or in it than twice that.
    """
    c = model.config
    n = c.in_channels
    if c.scale == 1:
        last = model.upsampler[0]
        assert isinstance(last, nn.Conv2d)
        last.weight /= 10
        _bias(last).zero_()
        return
    if c.upsampler != "onestep" or c.channels < n or c.upsampler_channels < 2 * n:
        raise ValueError(
            f"start='interpolation' needs the upsampler 'onestep', channels >= {n} and upsampler_channels >= {2 * n}; "
            f"got {c.upsampler!r}, {c.channels} and {c.upsampler_channels}"
        )
    features, last = model.features[0], model.upsampler[0]
    assert isinstance(features, nn.Conv2d) and isinstance(last, nn.Conv2d)
    for convolution, used in ((model.head, n), (model.body_conv, n), (features, 2 * n)):
        convolution.weight[:used] = 0
        _bias(convolution)[:used] = 0
    last.weight /= 10
    last.weight[:, : 2 * n] = 0
    _bias(last).zero_()
    kernels = bilinear_kernels(c.scale) / 1.01  # LeakyReLU(x) - LeakyReLU(-x) = 1.01 x
    for color in range(n):
        model.head.weight[color, color, 1, 1] = 1
        features.weight[color, color, 1, 1] = 1
        features.weight[n + color, color, 1, 1] = -1
        outputs = slice(color * c.scale**2, (color + 1) * c.scale**2)
        last.weight[outputs, color] = kernels
        last.weight[outputs, n + color] = -kernels


def bilinear_kernels(scale: int) -> Tensor:
    """Return the 3x3 kernel of each of the s*s positions inside an input pixel, (s*s, 3, 3), in raster order."""
    offset = (torch.arange(scale) + 0.5) / scale - 0.5
    taps = torch.stack((-offset.clamp(max=0), 1 - offset.abs(), offset.clamp(min=0)), dim=1)  # (s, 3)
    return torch.einsum("ai,bj->abij", taps, taps).flatten(0, 1)


def _bias(convolution: nn.Conv2d) -> Tensor:
    assert convolution.bias is not None
    return convolution.bias


def _shape(tensors: dict[str, Tensor], name: str) -> object:
    return tuple(tensors[name].shape) if name in tensors else "missing"
