"""Density-driven token aggregation against slow loops, on random tokens and on the awkward ones.

Each stage is compared given the same input, so that a difference in rounding in one stage cannot hide or feign a
difference in the next. Exact ties are made of tokens whose similarities have no rounding error at all.
"""

import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st

from satlib import dta
from satlib.dta import clusters, vectors
from satlib.dta.options import AGGREGATIONS, NORM_RESTORATIONS, SAMPLINGS

KINDS = [(a, n) for a in AGGREGATIONS for n in NORM_RESTORATIONS]
OPTIONS = {"neighbors": 0.5, "aggregation": "similarity", "temperature": 0.1, "norm_restoration": "max"}


def random_tokens(n_images, n_tokens, channels=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_images, n_tokens, channels, generator=generator, dtype=torch.float64)


def exact_tokens(n_tokens, seed=0):
    """Tokens of four entries, each 0.5 or -0.5: unit vectors with similarities -1, -0.5, 0, 0.5, 1 and no rounding."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 2, (1, n_tokens, 4), generator=generator).double() - 0.5


def close(a, b, tolerance=1e-12):
    torch.testing.assert_close(a, torch.as_tensor(b, dtype=a.dtype), rtol=tolerance, atol=tolerance)


def assert_agrees(x, k, sample, **options):
    """Every stage of one image against the loops."""
    options = {**OPTIONS, **options}
    got = dta.aggregate(x, k, sample=torch.tensor(sample), **options)
    tokens, sampled = x[0], [x[0, i] for i in sample]
    assert got.sample[0].tolist() == sample
    m = reference.n_neighbors(options["neighbors"], k, len(sample))
    close(got.density[0], reference.density(sampled, m))
    close(got.separation[0], reference.separation(sampled, got.density[0].tolist()))
    close(got.score[0], [d * s for d, s in zip(got.density[0].tolist(), got.separation[0].tolist(), strict=True)])
    assert got.centers[0].tolist() == reference.centers(sample, got.score[0].tolist(), k)
    assert_assigned(tokens, got)
    assignment = got.assignment[0].tolist()
    assert got.counts[0].tolist() == [len(reference.members(assignment, c)) for c in range(k)]
    merged = reference.merge(
        tokens, got.centers[0].tolist(), assignment, options["aggregation"], options["temperature"]
    )
    close(got.tokens[0], reference.restore_norm(merged, tokens, assignment, options["norm_restoration"]))
    return got


def assert_assigned(tokens, got):
    """Each token has joined a centre that is as similar as the most similar one, up to rounding."""
    chosen = got.centers[0].tolist()
    for token, cluster in zip(tokens, got.assignment[0].tolist(), strict=True):
        similarity = [reference.cosine(token, tokens[c]) for c in chosen]
        assert similarity[cluster] >= max(similarity) - 1e-12


@st.composite
def cases(draw):
    n = draw(st.integers(1, 40))
    k = draw(st.integers(1, n))
    sample = draw(st.permutations(range(n)))[: draw(st.integers(k, n))]
    kind, restoration = draw(st.sampled_from(KINDS))
    neighbors = draw(st.one_of(st.integers(1, n + 3), st.floats(0.01, 2)))
    return n, k, sample, {"neighbors": neighbors, "aggregation": kind, "norm_restoration": restoration}


@given(case=cases(), seed=st.integers(0, 99))
def test_random_tokens_agree_with_the_loops(case, seed):
    n, k, sample, options = case
    assert_agrees(random_tokens(1, n, seed=seed), k, sample, **options)


@given(case=cases(), seed=st.integers(0, 99))
def test_tokens_full_of_exact_ties_agree_with_the_loops(case, seed):
    """Duplicates, opposites and equal densities everywhere: the order of ties is part of the definition."""
    n, k, sample, options = case
    x = exact_tokens(n, seed)
    got = assert_agrees(x, k, sample, **options)
    assert got.assignment[0].tolist() == reference.assign(x[0], got.centers[0].tolist())


@given(case=cases(), seed=st.integers(0, 99))
def test_zeros_and_any_lengths_agree_with_the_loops(case, seed):
    """Lengths are powers of two, so that normalising is exact as well."""
    n, k, sample, options = case
    x = exact_tokens(n, seed) * 2.0 ** (torch.arange(n) % 7 - 3).view(1, n, 1)
    x[:, 1::4] = 0
    got = assert_agrees(x, k, sample, **options)
    assert got.assignment[0].tolist() == reference.assign(x[0], got.centers[0].tolist())
    assert all(field.isfinite().all() for field in got)


@given(case=cases(), seed=st.integers(0, 99))
def test_duplicates_with_rounding_errors(case, seed):
    """Rounding may decide between equals here; whatever was chosen, the rest must follow from it."""
    n, k, sample, options = case
    x = random_tokens(1, n, seed=seed)
    x[:, ::3] = x[:, :1].clone()
    x[:, 2::7] = -x[:, :1]
    got = dta.aggregate(x, k, sample=torch.tensor(sample), **options)
    sampled = [x[0, i] for i in sample]
    close(got.density[0], reference.density(sampled, reference.n_neighbors(options["neighbors"], k, len(sample))))
    assert_assigned(x[0], got)
    assert len(set(got.centers[0].tolist())) == k and got.counts.sum() == n
    merged = reference.merge(x[0], got.centers[0].tolist(), got.assignment[0].tolist(), options["aggregation"], 0.1)
    close(got.tokens[0], reference.restore_norm(merged, x[0], got.assignment[0].tolist(), options["norm_restoration"]))


@pytest.mark.parametrize(("aggregation", "norm_restoration"), KINDS)
@pytest.mark.parametrize("n", [1, 2, 3, 30, 300])
def test_all_kinds_over_sizes_from_1_to_300(n, aggregation, norm_restoration):
    x = random_tokens(1, n, channels=3)
    sample = torch.randperm(n)[: max(1, n // 3)].tolist()
    assert_agrees(
        x, max(1, n // 10), sample, aggregation=aggregation, norm_restoration=norm_restoration, temperature=0.3
    )


@pytest.mark.parametrize(("aggregation", "norm_restoration"), KINDS)
def test_constant_images(aggregation, norm_restoration):
    """All tokens equal: the first of the sample are the centres, everything joins the first, the rest are empty."""
    x = torch.full((2, 20, 4), 3.0, dtype=torch.float64)  # directions (0.5, 0.5, 0.5, 0.5): no rounding
    got = dta.aggregate(x, 5, sample=torch.arange(3, 15), aggregation=aggregation, norm_restoration=norm_restoration)
    assert (got.density == 1).all() and (got.separation == 0).all()
    assert got.centers.tolist() == [[3, 4, 5, 6, 7]] * 2 and (got.assignment == 0).all()
    assert got.counts.tolist() == [[20, 0, 0, 0, 0]] * 2
    close(got.tokens[:, 0], x[:, 0], 1e-6)
    if aggregation != "center":
        assert (got.tokens[:, 1:] == 0).all()


def test_k_of_1_merges_everything_and_k_of_n_nothing():
    x = random_tokens(2, 12)
    one = dta.aggregate(x, 1, aggregation="mean", norm_restoration="none")
    close(one.tokens[:, 0], x.mean(1))
    every = dta.aggregate(x, 12, aggregation="mean", norm_restoration="none")
    assert every.centers.sort().values.tolist() == [list(range(12))] * 2 and (every.counts == 1).all()
    close(every.tokens, dta.take(x, every.centers))


def test_low_temperature_gives_the_center_and_high_temperature_the_mean():
    x, options = random_tokens(2, 50), {"sample": torch.arange(50), "norm_restoration": "none"}
    center, mean = (dta.aggregate(x, 6, aggregation=a, **options).tokens for a in ("center", "mean"))
    close(dta.aggregate(x, 6, temperature=1e-4, **options).tokens, center)
    close(dta.aggregate(x, 6, temperature=1e9, **options).tokens, mean, 1e-8)


def test_norms_after_restoration():
    x = random_tokens(2, 60) * torch.rand(2, 60, 1, dtype=torch.float64)
    norms = x.norm(dim=-1)
    largest = dta.aggregate(x, 7, norm_restoration="max").tokens.norm(dim=-1)
    close(largest, norms.amax(1, keepdim=True).expand(-1, 7), 2e-5)
    got = dta.aggregate(x, 7, norm_restoration="mean", sample=torch.arange(60))
    for image in range(2):
        for cluster in range(7):
            inside = reference.members(got.assignment[image].tolist(), cluster)
            close(got.tokens[image, cluster].norm(), norms[image, inside].mean(), 2e-5)


def test_a_merged_token_without_direction_keeps_its_length():
    """Two opposite members cancel but for 1e-7, which is below epsilon and is not blown up to the largest norm."""
    x = torch.tensor([[[1.0, 1e-7], [-1.0, 1e-7]]], dtype=torch.float64)
    merged, counts = dta.merge(x, torch.tensor([[0]]), torch.tensor([[0, 0]]), aggregation="mean")
    for method in NORM_RESTORATIONS:
        close(
            dta.restore_norm(merged, x, torch.tensor([[0, 0]]), counts, norm_restoration=method), [[[0, 1e-7]]], 1e-15
        )


def test_neighbors_at_both_ends():
    sampled = dta.normalize(random_tokens(1, 9))
    similarity = (sampled @ sampled.mT)[0] - 9 * torch.eye(9, dtype=torch.float64)
    close(dta.density(sampled, 1)[0], similarity.amax(1))
    close(dta.density(sampled, 8)[0], (similarity.sum(1) + 8) / 8)
    assert dta.density(sampled[:, :1], 0).tolist() == [[0]]


@given(st.one_of(st.integers(1, 400), st.floats(0.001, 400)), st.integers(1, 60), st.integers(1, 60))
def test_number_of_neighbors(neighbors, k, s):
    assert dta.n_neighbors(neighbors, k, s) == reference.n_neighbors(neighbors, k, s)


def test_an_int_is_m_itself_and_a_float_a_share():
    assert [dta.n_neighbors(m, 30, 100) for m in (1, 1.0, 3, 0.1, 0.5, 500, 500.0)] == [1, 30, 3, 3, 15, 99, 99]


def test_the_densest_token_is_the_first_center_when_it_is_also_the_farthest():
    x = torch.tensor([[[1.0, 0], [1, 0.1], [1, -0.1], [-1, 0.05]]], dtype=torch.float64)
    got = dta.aggregate(x, 2, sample=torch.arange(4), neighbors=2)
    assert got.centers[0, 0] == 0 and got.separation[0, 0] == 2 - (1 - 1.0025**-0.5)
    assert got.density[0, 3] < 0 < got.density[0, 0]


def test_where_densities_tie_the_first_in_order_is_the_densest():
    """The released code gives the densest token separation 2: the same centres, if it is the token ranked first."""
    several = 0
    for seed in range(20):
        x = torch.randn(1, 12, 3, generator=torch.Generator().manual_seed(seed)).repeat(1, 6, 1)
        few = dta.aggregate(x, 5, sample=torch.arange(72), neighbors=3)
        first = dta.highest(few.density, 1)
        several += int((few.density == few.density.max()).sum()) > 1
        assert few.separation[0, first[0, 0]] == few.separation.max()
        as_code = few.separation.scatter(1, first, 2.0)
        again = few.sample[0, dta.highest(few.density * as_code, 5)[0]]
        assert set(again.tolist()) == set(few.centers[0].tolist())
    assert several > 10


def test_zero_vectors_have_similarity_zero_and_finite_gradients():
    for x in (torch.zeros(2, 10, 4), torch.cat([torch.zeros(2, 5, 4), torch.randn(2, 5, 4)], dim=1)):
        for aggregation, norm_restoration in KINDS:
            leaf = x.double().clone().requires_grad_()
            got = dta.aggregate(
                leaf, 4, sample=torch.arange(8), aggregation=aggregation, norm_restoration=norm_restoration
            )
            got.tokens.square().sum().backward()
            assert leaf.grad.isfinite().all() and all(field.isfinite().all() for field in got)


@pytest.mark.parametrize("scale", [1e15, 1e-5, 1e-30])
def test_tokens_of_extreme_length_stay_finite(scale):
    x = random_tokens(1, 20, channels=4).float() * scale
    leaf = x.clone().requires_grad_()
    got = dta.aggregate(leaf, 3, sample=torch.arange(20), norm_restoration="max")
    got.tokens.sum().backward()
    assert got.tokens.isfinite().all() and leaf.grad.isfinite().all()


# Samples -------------------------------------------------------------------------------------------------------------


@given(
    grid=st.tuples(st.integers(1, 15), st.integers(1, 20)),
    keep=st.floats(0.01, 1),
    subsample=st.floats(1, 8),
    sampling=st.sampled_from(SAMPLINGS),
)
def test_drawn_samples_have_the_right_size_for_any_grid(grid, keep, subsample, sampling):
    n = grid[0] * grid[1]
    k = reference.n_centers(keep, n)
    x = random_tokens(2, n, channels=3)
    got = dta.aggregate(x, k, grid=grid, subsample=subsample, sampling=sampling)
    assert got.sample.shape == (2, reference.n_samples(n, k, subsample))
    assert got.centers.shape == (2, k) and got.tokens.shape == (2, k, 3) and got.assignment.shape == (2, n)
    for image in range(2):
        chosen = set(got.centers[image].tolist())
        assert len(chosen) == k and chosen <= set(got.sample[image].tolist())
    assert (got.counts.sum(1) == n).all()


def test_an_explicit_sample_for_all_images_or_for_each():
    x = random_tokens(2, 30)
    shared, own = torch.randperm(30)[:12], torch.stack([torch.randperm(30)[:12] for _ in range(2)])
    together = dta.aggregate(x, 4, sample=own)
    for image in range(2):
        alone = dta.aggregate(x[image : image + 1], 4, sample=own[image])
        assert all(
            torch.equal(a[image], b[0]) for a, b in zip(together, alone, strict=True) if not a.is_floating_point()
        )
        close(together.tokens[image], alone.tokens[0])
    both = dta.aggregate(x, 4, sample=shared)
    assert both.sample.tolist() == [shared.tolist()] * 2
    assert torch.equal(both.centers, dta.aggregate(x, 4, sample=shared.expand(2, -1)).centers)


def test_draws_repeat_with_a_generator_and_differ_between_images():
    x = random_tokens(1, 200).expand(3, -1, -1)
    got = [dta.aggregate(x, 5, grid=(10, 20), generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(got[0].sample, got[1].sample) and torch.equal(got[0].tokens, got[1].tokens)
    assert not torch.equal(got[0].sample, got[2].sample)
    assert len({tuple(row) for row in got[0].sample.tolist()}) == 3


def test_blocks_of_rows_change_nothing(monkeypatch):
    x = random_tokens(2, 150)
    whole = dta.aggregate(x, 20, sample=torch.arange(0, 150, 2))
    monkeypatch.setattr(vectors, "BLOCK_ELEMENTS", 1000)
    monkeypatch.setattr(clusters, "BLOCK_NUMBERS", 100)
    blocks = dta.aggregate(x, 20, sample=torch.arange(0, 150, 2))
    for a, b in zip(whole, blocks, strict=True):
        close(a.double(), b.double(), 1e-12)


def test_blocks_are_small_for_a_cache_and_large_for_a_gpu():
    size = {"cpu": vectors.BLOCK_ELEMENTS, "meta": vectors.GPU_BLOCK_ELEMENTS}
    for device, elements in size.items():
        for n_rows, columns in ((1, 1), (7, 10**6), (16_384, 491), (921_600, 27_648)):
            blocks = list(vectors.row_blocks(n_rows, columns, torch.device(device)))
            assert [start for start, _ in blocks] == [0, *(stop for _, stop in blocks[:-1])] and blocks[-1][1] == n_rows
            assert all((stop - start) * columns <= max(elements, 32 * columns) for start, stop in blocks)
    assert list(vectors.row_blocks(16_384, 491, torch.device("meta"))) == [(0, 16_384)]


# Gradients and precision --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("aggregation", "norm_restoration"), KINDS)
def test_gradients_are_exact(aggregation, norm_restoration):
    x = random_tokens(2, 14, channels=3).requires_grad_()
    sample = torch.arange(0, 14, 2)

    def merged(tokens):
        return dta.aggregate(
            tokens, 3, sample=sample, aggregation=aggregation, norm_restoration=norm_restoration
        ).tokens

    assert torch.autograd.gradcheck(merged, (x,))


def test_the_choice_carries_no_gradient():
    """The gradient is that of merging and restoring alone, with centres and clusters as constants."""
    x = random_tokens(2, 40).requires_grad_()
    got = dta.aggregate(x, 6)
    for name in ("centers", "assignment", "counts", "sample", "density", "separation", "score"):
        assert not getattr(got, name).requires_grad
    weight = random_tokens(2, 6, seed=1)
    whole = torch.autograd.grad((got.tokens * weight).sum(), x)[0]
    merged, counts = dta.merge(x, got.centers, got.assignment, temperature=0.1)
    fixed = dta.restore_norm(merged, x, got.assignment, counts)
    close(whole, torch.autograd.grad((fixed * weight).sum(), x)[0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_tokens_are_ranked_in_float32(dtype):
    x = random_tokens(2, 120, channels=16).to(dtype)
    sample = torch.arange(0, 120, 2)
    half, single = dta.aggregate(x, 9, sample=sample), dta.aggregate(x.float(), 9, sample=sample)
    assert half.tokens.dtype == dtype and half.density.dtype == torch.float32
    assert torch.equal(half.tokens, single.tokens.to(dtype))
    for name in ("centers", "assignment", "density", "separation", "score"):
        assert torch.equal(getattr(half, name), getattr(single, name))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_autocast_changes_nothing(dtype):
    x = random_tokens(2, 120, channels=16).to(dtype)
    plain = dta.aggregate(x, 9, sample=torch.arange(120))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = dta.aggregate(x, 9, sample=torch.arange(120))
    assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(plain, cast, strict=True))


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(12, 3)}, r"x must be floating point of shape \(B, N, C\).*\(12, 3\)"),
        ({"x": torch.zeros(1, 0, 3)}, r"x must be .* not empty; got torch.float32 \(1, 0, 3\)"),
        ({"x": torch.zeros(1, 12, 3, dtype=torch.int64)}, "x must be floating point .* got torch.int64"),
        ({"n_centers": 0}, r"n_centers must be in 1\.\.12 .*got 0"),
        ({"n_centers": 13}, r"n_centers must be in 1\.\.12 .*got 13"),
        ({"n_centers": 2.0}, "n_centers must be an integer, got 2.0"),
        ({"n_centers": True}, "n_centers must be an integer, got True"),
        ({"n_centers": torch.tensor(2.5)}, r"n_centers must be an integer, got tensor\(2.5000\)"),
        ({"x": [[[0.0]]]}, r"x must be a tensor \(B, N, C\), got 'list'"),
        ({"grid": 12}, r"grid must be \(H, W\), got 12"),
        ({"grid": (3.0, 4.0)}, "grid must be an integer, got 3.0"),
        ({"subsample": "4"}, "subsample must be a number >= 1, got '4'"),
        ({"neighbors": "4"}, "neighbors must be .* got '4'"),
        ({"temperature": None}, "temperature must be a positive number, got None"),
        ({"sample": [0, 1, 2]}, r"sample must be a tensor \(S,\) or \(1, S\), got 'list'"),
        ({"grid": (3, 5)}, r"grid must be \(H, W\) with H \* W = 12 tokens, got \(3, 5\)"),
        ({"grid": (-3, -4)}, r"grid must be .*got \(-3, -4\)"),
        ({"subsample": 0.5}, "subsample must be a number >= 1, got 0.5"),
        ({"subsample": float("nan")}, "subsample must be a number >= 1, got nan"),
        ({"neighbors": 0}, "neighbors must be .* got 0"),
        ({"neighbors": -0.1}, "neighbors must be .* got -0.1"),
        ({"neighbors": True}, "neighbors must be .* got True"),
        ({"temperature": 0}, "temperature must be a positive number, got 0"),
        ({"aggregation": "sum"}, "unknown aggregation 'sum'; choose similarity, mean or center"),
        ({"norm_restoration": "min"}, "unknown norm_restoration 'min'; choose max, mean or none"),
        ({"sampling": "all"}, "unknown sampling 'all'"),
        ({"sample": torch.tensor([0, 1, 1])}, "sample must hold distinct positions"),
        ({"sample": torch.tensor([0, 1, 12])}, r"sample must hold positions in 0\.\.11, got 0\.\.12"),
        ({"sample": torch.tensor([-1, 1, 2])}, r"sample must hold positions in 0\.\.11, got -1\.\.2"),
        ({"sample": torch.tensor([1])}, "sample must have at least n_centers=2 positions, got 1"),
        ({"sample": torch.tensor([0.0, 1.0])}, r"sample must hold integers .*got torch.float32 \(2,\)"),
        ({"sample": torch.tensor([True, True])}, r"sample must hold integers .*got torch.bool"),
        ({"sample": torch.zeros(3, 4, dtype=torch.int64)}, r"shape \(S,\) or \(1, S\), got torch.int64 \(3, 4\)"),
        ({"sample": torch.tensor(3)}, "sample must hold integers of shape"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"x": torch.ones(1, 12, 3), "n_centers": 2, **change}
    with pytest.raises(ValueError, match=message) as error:
        dta.aggregate(**arguments)
    assert "\n" not in str(error.value)
