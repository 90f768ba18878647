"""Token merging against loops over tokens, and what other networks rely on."""

from math import exp, log

import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st

from satlib.dta.options import AGGREGATIONS, SAMPLINGS
from satlib.merging import Merged, merge


def tokens(n_images, n_tokens, channels=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_images, n_tokens, channels, generator=generator, dtype=torch.float64)


def close(a, b, tolerance=1e-12):
    torch.testing.assert_close(a, torch.as_tensor(b, dtype=a.dtype), rtol=tolerance, atol=tolerance)


def loops(x, k, *, metric, protected, sizes, neighbors, aggregation, temperature):
    """Merge the tokens (N, C) of one image, all of them looked at, one token after the other.

    Returns tokens, sizes, the assignment and the positions that the merged tokens stand at.
    """
    free = [i for i in range(len(x)) if i not in protected]
    shown = [metric[i] for i in free]
    rho = reference.density(shown, reference.n_neighbors(neighbors, k - len(protected), len(free)))
    score = [r * d for r, d in zip(rho, reference.separation(shown, rho), strict=True)]
    centers = reference.centers(free, score, k - len(protected))
    at = {i: i for i in protected}
    for i in free:
        similarity = [reference.cosine(metric[i], metric[c]) for c in centers]
        at[i] = i if i in centers else centers[similarity.index(max(similarity))]
    places = sorted({*protected, *centers})
    merged = []
    for place in places:
        inside = [i for i in range(len(x)) if at[i] == place]
        weight = {
            "mean": [sizes[i] for i in inside],
            "similarity": [sizes[i] * exp(reference.cosine(metric[i], metric[place]) / temperature) for i in inside],
            "center": [float(i == place) for i in inside],
        }[aggregation]
        merged.append(sum(w * x[i] for w, i in zip(weight, inside, strict=True)) / sum(weight))
    counts = [sum(sizes[i] for i in range(len(x)) if at[i] == place) for place in places]
    return torch.stack(merged), counts, [places.index(at[i]) for i in range(len(x))], places


@st.composite
def cases(draw):
    n = draw(st.integers(2, 24))
    protected = sorted(draw(st.sets(st.integers(0, n - 1), max_size=min(3, n - 2))))
    k = draw(st.integers(len(protected) + 1, n - 1))
    sizes = draw(st.none() | st.lists(st.integers(1, 9), min_size=n, max_size=n))
    return n, k, protected, sizes, draw(st.sampled_from(AGGREGATIONS)), draw(st.integers(1, n) | st.floats(0.1, 1))


@given(case=cases(), seed=st.integers(0, 99), own_metric=st.booleans())
def test_random_tokens_agree_with_the_loops(case, seed, own_metric):
    n, k, protected, sizes, aggregation, neighbors = case
    x, metric = tokens(1, n, seed=seed), tokens(1, n, channels=3, seed=seed + 1) if own_metric else None
    options = {"protected": protected, "aggregation": aggregation, "temperature": 0.3, "neighbors": neighbors}
    given_sizes = None if sizes is None else torch.tensor([sizes])
    got = merge(x, k, metric=metric, sizes=given_sizes, subsample=n, **options)
    shown = x[0] if metric is None else metric[0]
    merged, counts, assignment, places = loops(x[0], k, metric=shown, sizes=sizes or [1] * n, **options)
    assert got.representatives[0].tolist() == places and got.assignment[0].tolist() == assignment
    assert got.counts[0].tolist() == counts
    close(got.tokens[0], merged)
    total = torch.zeros(1, k, dtype=torch.float64).scatter_add(1, got.assignment, got.weights)
    close(total, torch.ones(1, k))


def test_one_token():
    x = tokens(3, 1)
    for protected in ([], [0]):
        got = merge(x, 1, protected=protected)
        assert torch.equal(got.tokens, x) and got.counts.tolist() == [[1]] * 3
        assert torch.equal(got.unmerge(got.tokens), x) and got.bias.tolist() == [[[[0.0]]]] * 3


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_k_of_n_changes_nothing(aggregation):
    x, sizes = tokens(2, 12), torch.arange(1, 25).view(2, 12)
    got = merge(x, 12, sizes=sizes, protected=[0, 5], aggregation=aggregation)
    assert torch.equal(got.tokens, x) and torch.equal(got.counts, sizes)
    assert got.assignment.tolist() == got.representatives.tolist() == [list(range(12))] * 2
    assert torch.equal(got.apply(x), x) and torch.equal(got.unmerge(x), x)


def test_k_of_1_is_the_mean_of_all_tokens_by_their_sizes():
    x, sizes = tokens(2, 12), torch.arange(1, 25).view(2, 12)
    got = merge(x, 1, sizes=sizes)
    close(got.tokens[:, 0], (x * sizes[..., None]).sum(1) / sizes.sum(1, keepdim=True))
    assert got.counts.tolist() == [[78], [222]]


@pytest.mark.parametrize("protected", [[0], [0, 1], [19], [3, 11]])
def test_protected_tokens_stay_and_nothing_joins_them(protected):
    x = tokens(2, 20)
    x[:, protected] = x[:, 7:8]  # equal to one that is free
    got = merge(x, 6, protected=protected)
    for image in range(2):
        places = got.representatives[image].tolist()
        assert places == sorted(places) and set(protected) <= set(places)
        for position in protected:
            rank = places.index(position)
            assert torch.equal(got.tokens[image, rank], x[image, position]) and got.counts[image, rank] == 1
            assert (got.assignment[image] == rank).nonzero().tolist() == [[position]]
    assert got.counts.sum(1).tolist() == [20, 20]


@pytest.mark.parametrize("x", [torch.ones(2, 16, 4), torch.zeros(2, 16, 4), torch.eye(4).repeat(2, 4, 1)])
def test_duplicates_leave_no_cluster_empty(x):
    for k in (1, 5, 15):
        got = merge(x.double(), k, protected=[0] if k > 1 else [])
        assert (got.counts >= 1).all() and got.counts.sum(1).tolist() == [16, 16]
        assert got.tokens.isfinite().all() and got.bias.isfinite().all()
        assert torch.equal(got.assignment.gather(1, got.representatives), torch.arange(k).expand(2, -1))


def test_merging_twice_is_the_mean_of_all_members():
    x = tokens(2, 30)
    first = merge(x, 12, protected=[0])
    second = merge(first.tokens, 5, protected=[0], sizes=first.counts)
    owner = second.assignment.gather(1, first.assignment)  # (B, N) in 0..4
    for image in range(2):
        for cluster in range(5):
            inside = owner[image] == cluster
            close(second.tokens[image, cluster], x[image, inside].mean(0))
            assert second.counts[image, cluster] == inside.sum()
    assert torch.equal(first.unmerge(second.unmerge(second.tokens))[0, 3], second.tokens[0, owner[0, 3]])


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_images_do_not_depend_on_their_batch(aggregation):
    x, sizes = tokens(3, 40), 1 + torch.rand(3, 40, dtype=torch.float64)
    together = merge(x, 9, sizes=sizes, protected=[0], aggregation=aggregation)
    for image in range(3):
        one = slice(image, image + 1)
        alone = merge(x[one], 9, sizes=sizes[one], protected=[0], aggregation=aggregation)
        assert torch.equal(alone.assignment, together.assignment[one])
        close(alone.tokens, together.tokens[one])
    again = merge(x, 9, sizes=sizes, protected=[0], aggregation=aggregation)
    assert all(torch.equal(a, b) for a, b in zip(together, again, strict=True))


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_grid_and_a_sequence(sampling):
    """The grid is that of the free tokens: here a class token stands before 5 x 8."""
    x = tokens(2, 41)
    for grid in (None, (5, 8)):
        generator = torch.Generator().manual_seed(3)
        got = merge(x, 7, protected=[0], grid=grid, sampling=sampling, subsample=2, generator=generator)
        assert got.tokens.shape == (2, 7, 4) and got.counts.sum(1).tolist() == [41, 41]


def test_heads_are_averaged_to_compare_and_merged_alike():
    x, keys = tokens(2, 20), tokens(2, 60, channels=5).view(2, 3, 20, 5)
    got = merge(x, 6, metric=keys)
    assert torch.equal(got.assignment, merge(x, 6, metric=keys.mean(1)).assignment)
    by_head = torch.stack([got.apply(keys[:, head]) for head in range(3)], dim=1)
    assert torch.equal(got.apply(keys), by_head)
    back = torch.stack([got.unmerge(by_head[:, head]) for head in range(3)], dim=1)
    assert torch.equal(got.unmerge(by_head), back)


def test_attention_with_the_bias_is_attention_over_all_where_members_are_equal():
    directions = torch.eye(6, dtype=torch.float64)[:4]
    x = directions[torch.tensor([0] * 9 + [1] * 6 + [2] * 3 + [3] * 2)].expand(2, -1, -1)
    got = merge(x, 4)
    assert sorted(got.counts[0].tolist()) == [2, 3, 6, 9]
    q = tokens(2, 7, channels=6)[:, None]
    attend = torch.nn.functional.scaled_dot_product_attention
    few = got.tokens[:, None]
    close(attend(q, few, few, attn_mask=got.bias), attend(q, x[:, None], x[:, None]))


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_gradients_are_exact(aggregation):
    x = tokens(2, 10, channels=3).requires_grad_()
    sizes = torch.arange(1, 21).view(2, 10)

    def merged(x):
        got = merge(x, 4, sizes=sizes, protected=[0], aggregation=aggregation, temperature=0.5)
        return got.tokens, got.unmerge(got.tokens.square())

    assert torch.autograd.gradcheck(merged, (x,))


def test_the_choice_carries_no_gradient():
    x = tokens(1, 12).requires_grad_()
    got = merge(x, 4)
    assert got.tokens.requires_grad
    assert not any(getattr(got, name).requires_grad for name in ("counts", "assignment", "representatives", "weights"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_wide(dtype):
    x = tokens(2, 30).to(dtype)
    half, single = merge(x, 8), merge(x.float(), 8)
    assert half.tokens.dtype == dtype and half.bias.dtype == torch.float32
    assert torch.equal(half.assignment, single.assignment)
    assert torch.equal(half.tokens, single.tokens.to(dtype))


def test_no_matrix_of_all_pairs_is_made():
    """Neither N x N nor N x K numbers are ever asked for at once."""
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            out = func(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, (tuple, list)) else [out]:
                largest = max(largest, tensor.numel() if isinstance(tensor, torch.Tensor) else 0)
            return out

    n, k = 16384, 1024
    with Watch():
        got = merge(tokens(1, n).float(), k, grid=(128, 128))
    assert got.tokens.shape == (1, k, 4) and largest <= n * k / 8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"k": 0}, r"k must be in 1\.\.10 .*got 0"),
        ({"k": 11}, r"k must be in 1\.\.10 .*got 11"),
        ({"k": 2, "protected": [0, 1]}, r"k must be in 3\.\.10 .*got 2"),
        ({"k": 4.0}, "k must be an integer, got 4.0"),
        ({"protected": [0.7]}, "protected must be an integer, got 0.7"),
        ({"protected": "01"}, "protected must be an integer, got '0'"),
        ({"sizes": [[1] * 10] * 2}, r"sizes must be a tensor \(B, N\), got 'list'"),
        ({"metric": [[0.0]]}, r"metric must be a tensor \(B, N, D\) or .* got 'list'"),
        ({"protected": [0, 0]}, r"protected must be distinct positions in 0\.\.9, got \[0, 0\]"),
        ({"protected": [-1]}, r"protected must be distinct positions in 0\.\.9, got \[-1\]"),
        ({"protected": [10]}, r"protected must be distinct positions in 0\.\.9, got \[10\]"),
        (
            {"sizes": torch.ones(2, 9)},
            r"sizes must be numbers of shape \(B, N\) = \(2, 10\), got torch.float32 \(2, 9\)",
        ),
        ({"sizes": torch.zeros(2, 10)}, "sizes must be positive, got 0.0"),
        ({"metric": torch.ones(2, 9, 4)}, r"metric must be floating point .*got torch.float32 \(2, 9, 4\)"),
        ({"metric": torch.ones(2, 10, 4).int()}, "metric must be floating point .*got torch.int32"),
        ({"grid": (2, 5), "protected": [0]}, "grid must be .* 9 tokens, got"),
        ({"k": 10, "grid": (2, 4)}, "grid must be .* 10 tokens, got"),
        ({"aggregation": "median"}, "unknown aggregation 'median'; choose similarity, mean or center"),
        ({"aggregation": "similarity", "temperature": 0}, "temperature must be a positive number, got 0"),
        ({"sampling": "best"}, "unknown sampling 'best'"),
        ({"subsample": 0.5}, "subsample must be a number >= 1, got 0.5"),
        ({"neighbors": 0}, "neighbors must be an int >= 1 or a float > 0, got 0"),
    ],
)
def test_bad_input_is_named(options, said):
    with pytest.raises(ValueError, match=said):
        merge(tokens(2, 10), **{"k": 4, **options})


def test_tensors_of_another_shape_are_named():
    got = merge(tokens(2, 10), 4)
    assert isinstance(got, Merged) and got.bias.flatten().tolist() == [log(n) for n in got.counts.flatten().tolist()]
    for run, said in ((got.apply, r"N = 10; got \(2, 4, 3\)"), (got.unmerge, r"K = 4; got \(2, 10, 3\)")):
        with pytest.raises(ValueError, match=said):
            run(torch.ones(2, 4 if run == got.apply else 10, 3))
        with pytest.raises(ValueError, match="B = 2"):
            run(torch.ones(1, 10, 3))
