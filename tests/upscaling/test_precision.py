"""Number formats: what is exact, what is not, and that settings are put back."""

import pytest
import torch

from satlib import SAT, SATConfig
from satlib.upscaling.precision import EXACT, NEWER, computing, exact

CPU = torch.device("cpu")


def settings():
    return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("before", [("high", True), ("highest", False)])
def test_exact_switches_tf32_off_and_back(before):
    original = settings()
    torch.set_float32_matmul_precision(before[0])
    torch.backends.cudnn.allow_tf32 = before[1]
    try:
        with exact():
            assert settings() == ("highest", False)
            assert not torch.backends.cuda.matmul.allow_tf32
        assert settings() == before
        with pytest.raises(RuntimeError, match="inside"), exact():
            raise RuntimeError("inside")
        assert settings() == before
    finally:
        torch.set_float32_matmul_precision(original[0])
        torch.backends.cudnn.allow_tf32 = original[1]


def test_threads_that_overlap_leave_the_settings_as_they_were():
    original = settings()
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.allow_tf32 = True
    try:
        first, second = exact(), exact()  # as two threads enter and leave
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert settings() == ("highest", False)
        second.__exit__(None, None, None)
        assert settings() == ("high", True)
    finally:
        torch.set_float32_matmul_precision(original[0])
        torch.backends.cudnn.allow_tf32 = original[1]


def newer():
    """Torch's newer settings, by backend and operation."""
    return {
        (backend, operation): getattr(getattr(torch.backends, backend), operation)
        for backend, operation in [*NEWER, ("cudnn", "rnn")]
    }


def precisions():
    return [setting.fp32_precision for setting in newer().values()]


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="this torch has the older settings alone")
@pytest.mark.parametrize("chosen", [*NEWER, "all"])
def test_what_torchs_newer_settings_say_is_switched_off_and_back_too(chosen):
    owner = torch.backends if chosen == "all" else newer()[chosen]
    before, given = precisions(), owner.fp32_precision
    try:
        owner.fp32_precision = "ieee" if chosen == ("cudnn", "conv") else "tf32"  # the other one than at first
        during = precisions()
        with computing("float32", CPU):
            assert set(precisions()[:-1]) <= set(EXACT)
        assert precisions() == during
    finally:
        owner.fp32_precision = given
    assert precisions() == before


def test_products_are_in_the_format_that_is_asked_for():
    x = torch.rand(4, 4)
    for number_format in ("float32", "bfloat16"):
        with computing(number_format, CPU):
            assert (x @ x).dtype == getattr(torch, number_format)
    with torch.autocast("cpu", torch.bfloat16), computing("float32", CPU):
        assert (x @ x).dtype == torch.float32
    with (
        pytest.raises(ValueError, match="precision must be one of float32, bfloat16, got 'tf32'"),
        computing("tf32", CPU),
    ):
        pass


def test_what_must_be_exact_is_float32_under_bfloat16():
    model = SAT(SATConfig.preset("sat-tiny", scale=2, groups=(1, 1))).eval()
    seen = []
    for block in (block for group in model.groups for block in group.blocks):
        block.register_forward_pre_hook(lambda module, args: seen.append(args[0].dtype))
        block.norm1.register_forward_hook(lambda module, args, out: seen.append(out.dtype))
    with torch.no_grad(), computing("bfloat16", CPU):
        kept = []
        out = model(torch.rand(1, 3, 16, 20), kept=kept)
    assert set(seen) == {torch.float32} and len(seen) == 8
    assert out.dtype == torch.float32
    chosen = [layer.aggregation for layer in kept]
    assert {t.dtype for a in chosen for t in (a.density, a.separation, a.score, a.tokens)} == {torch.float32}


def test_softmax_in_half_precision_is_computed_in_float32():
    """One key holds nearly all weight; in bfloat16 sums the 4,000 others would vanish."""
    from satlib.network.attend import attend

    q, k = torch.zeros(1, 1, 1, 4), torch.zeros(1, 4001, 1, 4)
    v = torch.zeros(1, 4001, 1, 4)
    v[:, 1:] = 1
    bias = torch.zeros(1, 4001)
    bias[0, 0] = torch.log(torch.tensor(4000.0))
    found = attend(q.bfloat16(), k.bfloat16(), v.bfloat16(), bias)
    torch.testing.assert_close(found.float(), torch.full((1, 1, 1, 4), 0.5), rtol=0.01, atol=0.005)
