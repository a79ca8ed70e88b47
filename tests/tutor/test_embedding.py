"""The embedding model for real: its vectors, and what they add to retrieval."""

import math
import os
from pathlib import Path

import pytest
from django.conf import settings

from tutor.evaluation.retrieval import held_out, measure
from tutor.ingest import documents, ingest
from tutor.models import Chunk
from tutor.providers.embedding import EmbeddingUnavailable
from tutor.providers.onnx_embedding import OnnxEmbedding
from tutor.providers.weights import TOKENIZER

WEIGHTS = Path(os.environ.get("MUSTER_TEST_WEIGHTS", ""))
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("embedding"),
    pytest.mark.skipif(
        not (WEIGHTS / TOKENIZER.filename).is_file(), reason="MUSTER_TEST_WEIGHTS names no weights"
    ),
]


@pytest.fixture(scope="module")
def model():
    return OnnxEmbedding(WEIGHTS)


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_a_text_becomes_a_unit_vector(model):
    (vector,) = model.embed(["What does a rule of sudo give?"])
    assert len(vector) == Chunk._meta.get_field("embedding").dimensions
    assert math.isclose(cosine(vector, vector), 1.0, abs_tol=1e-5)


def test_the_company_of_other_texts_changes_no_vector(model):
    alone = model.embed(["cron runs what root wrote"])[0]
    among = model.embed(["short", "cron runs what root wrote", "a much longer text " * 60])[1]
    assert cosine(alone, among) > 0.99


def test_near_meanings_are_nearer_than_far_ones(model):
    question, near, far = model.embed(
        [
            "How do I find programs that run with their owner's rights?",
            "The set-user-id bit lets a program run as the account that owns it.",
            "A well-kept report names cause, impact and remedy.",
        ]
    )
    assert cosine(question, near) > cosine(question, far) + 0.1


def test_nothing_to_embed_is_no_fault(model):
    assert model.embed([]) == []


def test_a_tokenizer_that_is_not_the_pinned_one_is_refused(tmp_path):
    (tmp_path / TOKENIZER.filename).write_text('{"version": "1.0"}')
    with pytest.raises(EmbeddingUnavailable):
        OnnxEmbedding(tmp_path).embed(["x"])


@pytest.mark.slow
@pytest.mark.django_db
def test_vectors_find_what_words_alone_do_not(model):
    tally = ingest(documents(settings.RANGE_SCENARIOS_DIR), model)
    assert tally.problems == ()
    assert tally.waiting == 0
    words, both = measure(held_out(), None), measure(held_out(), model)
    print(f"\nwords only: {words}\nwith vectors: {both}")
    assert words.ndcg10 >= 0.58
    assert words.recall5 >= 0.62
    assert both.ndcg10 >= words.ndcg10
    assert both.ndcg10 >= 0.72
    assert both.recall5 >= 0.80
