import pytest
import torch

from satlib import dta
from satlib.analysis.links import find_links
from satlib.analysis.neighborhoods import nearest_denser


@pytest.fixture
def x():
    return torch.randn(1, 40, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def sample():
    return torch.tensor([1, 4, 9, 10, 17, 23, 30, 31, 39])


def made(x, sample):
    return dta.aggregate(x, len(sample), sample=sample, neighbors=3)


def test_tokens_come_by_score_and_links_are_those_of_the_sample(x, sample):
    links = find_links(x, made(x, sample))
    assert sorted(links.tokens.tolist()) == sample.tolist()
    score = links.density * links.separation
    assert (score[:-1] >= score[1:]).all()
    result = made(x, sample)
    unit = dta.normalize(dta.take(x, result.sample))[0]
    expected = dict(zip(sample.tolist(), sample[nearest_denser(unit, result.density[0])].tolist(), strict=True))
    assert dict(zip(links.tokens.tolist(), links.tokens[links.denser].tolist(), strict=True)) == expected


def test_separation_is_the_length_of_the_link(x, sample):
    links = find_links(x, made(x, sample))
    unit = dta.normalize(x[0, links.tokens])
    linked = links.denser != torch.arange(len(sample))
    length = 1 - (unit * unit[links.denser]).sum(1)
    torch.testing.assert_close(length[linked], links.separation[linked])
    assert int((~linked).sum()) == 1


def test_the_plane_shows_directions_of_a_plane_as_they_are(sample):
    flat = torch.zeros(1, 40, 6)
    flat[..., 2:4] = torch.randn(1, 40, 2, generator=torch.Generator().manual_seed(1))
    links = find_links(flat, made(flat, sample))
    assert links.kept == pytest.approx(1)
    unit = dta.normalize(flat[0, links.tokens])
    torch.testing.assert_close(torch.cdist(links.plane, links.plane), torch.cdist(unit, unit), rtol=0, atol=1e-4)


def test_all_sampled_tokens_must_be_centres(x, sample):
    with pytest.raises(ValueError, match=r"\(1, 9\), \(1, 4\)"):
        find_links(x, dta.aggregate(x, 4, sample=sample))
