"""Token merging by bipartite matching against its definition, and the program that compares ways to merge."""

import pytest
import reference
import torch

from benchmarks import merging, small_vit
from benchmarks.tome import bipartite, one_pass
from satlib.merging import merge
from satlib.results import timings


def tokens(n_images, n_tokens, channels=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_images, n_tokens, channels, generator=generator, dtype=torch.float64)


def loops(tokens, n_merged, protected):
    """The groups of one pass over one image: each a list of positions."""
    first, second = range(0, len(tokens), 2), [j for j in range(1, len(tokens), 2) if j not in protected]
    pairs = []
    for i in first:
        similarity = [reference.cosine(tokens[i], tokens[j]) for j in second]
        if i not in protected:
            pairs.append((max(similarity), i, second[similarity.index(max(similarity))]))
    merged = {i: j for _, i, j in sorted(pairs, reverse=True)[:n_merged]}
    groups = {i: [i] for i in range(len(tokens)) if i not in merged}
    for i, j in merged.items():
        groups[j].append(i)
    return {frozenset(group) for group in groups.values()}


def groups(assignment):
    return {frozenset((assignment == c).nonzero()[:, 0].tolist()) for c in assignment.unique()}


@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize(("n", "n_merged", "protected"), [(2, 1, []), (9, 3, [0]), (16, 8, []), (17, 8, [0, 5])])
def test_a_pass_agrees_with_the_loops(n, n_merged, protected, blocks):
    x, fixed = tokens(2, n), torch.zeros(2, n, dtype=torch.bool)
    fixed[:, protected] = True
    found = one_pass(x, n_merged, fixed, blocks=blocks)
    for image in range(2):
        assert groups(found[image]) == loops(x[image], n_merged, protected)


@pytest.mark.parametrize("k", [1, 3, 10, 39, 40])
def test_passes_follow_until_k_are_left(k):
    x, sizes = tokens(2, 40), torch.arange(1, 81).view(2, 40).double()
    got = bipartite(x, k, sizes=sizes)
    assert got.tokens.shape == (2, k, 4) and got.counts.sum(1).tolist() == sizes.sum(1).tolist()
    for image in range(2):
        for cluster in range(k):
            inside = got.assignment[image] == cluster
            mean = (x[image, inside] * sizes[image, inside, None]).sum(0) / sizes[image, inside].sum()
            torch.testing.assert_close(got.tokens[image, cluster], mean)
            assert inside[got.representatives[image, cluster]]


def test_a_class_token_is_never_merged():
    got = bipartite(tokens(2, 33), 3, protected=[0])
    assert torch.equal(got.tokens[:, 0], tokens(2, 33)[:, 0]) and (got.counts[:, 0] == 1).all()


def test_all_ways_give_as_many_tokens_as_asked_for():
    x = tokens(2, 31)
    for way in merging.WAYS.values():
        got = way(x, 8, (5, 6), x, 1)
        assert got.tokens.shape == (2, 8, 4) and got.counts.sum(1).tolist() == [31, 31]
        assert torch.equal(got.tokens[:, 0], x[:, 0])


def test_errors_of_a_network_fall_to_zero_where_nothing_is_merged(monkeypatch):
    monkeypatch.setattr(merging, "SHARES", (0.1, 1.0))
    monkeypatch.setattr(merging.samples, "names", lambda: ["coffee"])
    rows = merging.sat_errors("sat-tiny-x2", 10)
    errors = {(row["share"], row["way"]): row for row in rows}
    assert len(rows) == 12 and all(len(row["layers"]) == 6 and len(row["pictures"]) == 1 for row in rows)
    assert errors[1.0, "DTA, mean"]["error"] < 1e-5 < errors[0.1, "DTA, mean"]["error"]
    assert errors[1.0, "ToMe"]["error"] < 1e-5 < errors[0.1, "ToMe"]["error"]


def test_the_small_transformer_learns_and_merges():
    model = small_vit.train(3, batch=4)
    images, labels = small_vit.crops(6, test=True, generator=torch.Generator().manual_seed(0))
    assert images.shape == (6, 3, 32, 32) and labels.shape == (6,)
    own = small_vit.answers(model, images)
    assert torch.equal(own, small_vit.answers(small_vit.train(3, batch=4), images)), "a seed fixes the training"
    same = small_vit.answers(model, images, keep=1.0, merge=lambda x, k, keys, sizes: merge(x, k, metric=keys))
    torch.testing.assert_close(same, own)
    rows = list(merging.vit_answers(model, images, labels))
    assert [row["way"] for row in rows] == ["all", *["DTA, mean", "ToMe"] * 4]
    assert all(0 <= row["accuracy"] <= 1 for row in rows) and all(row["error"] > 0 for row in rows[1:])


def test_the_committed_results_have_every_way_at_every_share():
    found = timings.results("merging")
    wanted = {
        (n, s, w) for n in ("sat-tiny-x2", "sat-tiny-x4", "small ViT") for s in merging.SHARES for w in merging.WAYS
    }
    assert {(row["network"], row["share"], row["way"]) for row in found["errors"]} == wanted
    assert {row["tokens"] for row in found["growth"]} == {h * w for h, w in merging.SIZES}
