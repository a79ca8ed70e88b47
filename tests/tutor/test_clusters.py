"""Questions are gathered by what they mean: nothing lost, nothing twice, the fullest first."""

import random

from tutor.clusters import clusters


def around(direction, count, *, seed, spread=0.05, size=16):
    chance = random.Random(seed)
    return [
        [(1.0 if at == direction else 0.0) + chance.uniform(-spread, spread) for at in range(size)]
        for _ in range(count)
    ]


def test_nothing_gives_no_groups():
    assert clusters([]) == []


def test_each_direction_is_one_group_and_the_fullest_leads():
    vectors = around(0, 3, seed=1) + around(1, 7, seed=2) + around(2, 1, seed=3)
    found = clusters(vectors)
    assert [sorted(group) for group in found] == [list(range(3, 10)), [0, 1, 2], [10]]


def test_every_place_is_in_one_group_only():
    chance = random.Random(7)
    vectors = [[chance.gauss(0, 1) for _ in range(8)] for _ in range(200)]
    found = clusters(vectors)
    assert sorted(place for group in found for place in group) == list(range(200))
    assert [len(group) for group in found] == sorted(map(len, found), reverse=True)


def test_members_lie_near_the_one_that_stands_for_them():
    chance = random.Random(3)
    vectors = [[chance.gauss(0, 1) for _ in range(6)] for _ in range(80)]

    def cosine(one, other):
        dot = sum(a * b for a, b in zip(one, other, strict=True))
        return dot / (sum(a * a for a in one) ** 0.5 * sum(b * b for b in other) ** 0.5)

    for centre, *others in clusters(vectors, near=0.5):
        assert all(cosine(vectors[centre], vectors[each]) >= 0.5 - 1e-6 for each in others)


def test_a_vector_of_nothing_stands_alone():
    assert clusters([[0.0] * 4, [1.0, 0, 0, 0]]) == [[0], [1]]
