"""The swap test: a network whose SAA layers read another image's aggregated tokens in place of their own.

Queries, local windows and MLPs stay those of the image; keys and values come from what each layer aggregated of the
other image in an ordinary run. If the output is as good as before, SAA has used nothing of the image's content. Both
outputs come from one network and one image, so that small differences can be seen.

Shapes: B images, H x W pixels, s the scale.
"""

import torch
from torch import Tensor, nn

from satlib.dta.aggregation import Aggregation
from satlib.images.tensors import check_floats
from satlib.network.model import SAT, as_sat, in_eval


def swapped(model: SAT, image: Tensor, other: Tensor) -> Tensor:
    """Upscale images with the aggregated tokens of others.

    With ``SATConfig.selective`` "exact" all tokens of the others are read. With "none" nothing is, and the output is
    the network's own.

    Parameters
    ----------
    model
        Run in eval mode and without gradients; it is not changed.
    image
        (B, 3, H, W) or (3, H, W), floats in [0, 1].
    other
        As many images, of any size. `image` itself gives the network's own output.

    Returns
    -------
    Tensor
        (B, 3, sH, sW) or (3, sH, sW), about [0, 1], not clipped.

    Raises
    ------
    ValueError
        If the two are not as many images, or hold integers.
    """
    check_floats(image)
    check_floats(other, "other")
    if image.ndim not in (3, 4) or image.shape[:-2] != other.shape[:-2]:
        raise ValueError(f"image and other must be as many images, got {tuple(image.shape)} and {tuple(other.shape)}")
    model = in_eval(model)
    first = next(model.parameters())
    own, foreign = (x.to(first.device, first.dtype).reshape(-1, *x.shape[-3:]) for x in (image, other))
    with torch.inference_mode():
        read = [layer.aggregation for layer in model.layers(foreign)]
        upscaled: Tensor = model(own, read=read)
    return upscaled.reshape(*image.shape[:-2], *upscaled.shape[-2:])


def without_selective_attention(model: SAT) -> SAT:
    """Return a network with the same weights whose SAA layers add nothing; their blocks keep their MLP.

    It was not trained so: what it loses says what the output of SAA is used for, not whether SAA is needed.
    """
    model = as_sat(model)
    with torch.random.fork_rng(devices=[]):
        off = SAT(model.config.replace(selective="none")).to(next(model.parameters()))
    off.load_state_dict({name: value for name, value in model.state_dict().items() if name in off.state_dict()})
    return off.eval()


class Swapped(nn.Module):
    """A network that reads the aggregated tokens of one other image, whatever image it is given.

    A :class:`satlib.upscaling.models.Upscaler`, so that it stands beside the network wherever networks are compared.
    What it reads are buffers of its own: they move with the network, and tell two of one network apart.

    Parameters
    ----------
    model
        The network; it is not changed.
    other
        (3, H, W) in [0, 1], of any size.

    Raises
    ------
    ValueError
        If ``other`` holds integers.
    """

    def __init__(self, model: SAT, other: Tensor) -> None:
        super().__init__()
        check_floats(other, "other")
        self.model = model = as_sat(model)
        self.scale, self.n_params, self.name = model.scale, model.n_params, f"{model.name}, another's tokens"
        weight = next(model.parameters())
        with torch.no_grad():
            layers = in_eval(model).layers(other.unsqueeze(0).to(weight.device, weight.dtype))
        self._buffer_names = [[f"{field}_{i}" for field in Aggregation._fields] for i in range(len(layers))]
        for names, layer in zip(self._buffer_names, layers, strict=True):
            for name, part in zip(names, layer.aggregation, strict=True):
                self.register_buffer(name, part)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale (B, 3, H, W) to (B, 3, sH, sW)."""
        parts = ([self.get_buffer(name) for name in names] for names in self._buffer_names)
        read = [Aggregation(*(part.expand(len(x), *part.shape[1:]) for part in made)) for made in parts]
        upscaled: Tensor = self.model(x, read=read)
        return upscaled
