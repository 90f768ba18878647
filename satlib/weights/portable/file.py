"""A network as an ONNX file that is checked before it is there."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path

import onnx
from torch import nn

from satlib.network.model import as_sat
from satlib.support.files import replacing
from satlib.support.paths import as_path, check_writable
from satlib.weights.portable.check import Agreement, check_exploring, check_picture
from satlib.weights.portable.graph import exploring_graph, in_float32, picture_graph
from satlib.weights.portable.sampler import sampler


def export(
    model: nn.Module,
    path: str | PathLike[str],
    *,
    explore: bool = False,
    half: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> list[Agreement]:
    """Write a network to an .onnx file that takes images of any height and width, and check what was written.

    The file has the function of eval mode in float32. Its metadata tell the scale and the configuration. Numbers that
    lose nothing by it are stored in 16 bits.

    Parameters
    ----------
    model
        A SAT whose layers aggregate; a wrapper may be around it.
    path
        The file; it appears whole and checked, or not at all.
    explore
        Take K, m, tau and the samples as inputs and give the choices of every layer as outputs; else the file takes an
        image and gives a picture, and draws the samples itself.
    half
        Round the weights to float16, which makes a trained network's file half as large. The file is then checked
        against the network with these weights. Computed is in float32 nevertheless.
    say
        Is told in one line when the long part begins.

    Returns
    -------
    list[Agreement]
        Of the file, run by onnxruntime, with the network, at three sizes.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If ``model`` is no network or one that is not exported, or the path has another extension; or if the file does
        not compute what the network computes: nothing is written then.
    """
    target = as_path(path)
    if target.suffix != ".onnx":
        raise ValueError(f"networks are exported as .onnx, got {str(path)!r}")
    check_writable(target)
    network = in_float32(as_sat(model), half=half)
    drawn = None if explore else sampler(network.config)
    say(f"writing {target}: this takes a minute or two")
    exploring = exploring_graph(network)
    with replacing(target) as temporary:
        if drawn is None:
            write(exploring, temporary)
            found = check_exploring(temporary, network)
        else:
            write(picture_graph(exploring, drawn, network.config), temporary)
            found = check_picture(temporary, exploring, network)
        refuse_bad(found)
    return found


def write(graph: onnx.ModelProto, path: Path) -> None:
    """Write a graph that fits ONNX's rules."""
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString(deterministic=True))


def refuse_bad(found: list[Agreement]) -> None:
    """Raise ValueError if a file does not agree with its network at one of the sizes."""
    bad = [str(agreement) for agreement in found if not agreement.good]
    if bad:
        raise ValueError(f"the exported file does not agree with the network, and was not kept: {'; '.join(bad)}")
