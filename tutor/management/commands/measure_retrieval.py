"""Command: print nDCG@10 and recall@5 of retrieval on the labelled questions."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tutor.evaluation.retrieval import held_out, measure
from tutor.evaluation.sets import Labelled, labelled
from tutor.providers.embedding import EmbeddingModel
from tutor.providers.onnx_embedding import onnx_embedding

# Whoever wrote what the articles say they answer had read so many of the questions before.
READ_BEFORE = 48


class Command(BaseCommand):
    """Reads the index and changes nothing; run `ingest_knowledge` before."""

    help = "Measure retrieval on tutor/evaluation/retrieval.yaml, with vectors and without."
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print one line a set and side."""
        questions = labelled()
        model = onnx_embedding(settings.TUTOR_WEIGHTS_DIR)
        for name, chosen in _sets(questions).items():
            self._line(name, "hybrid", chosen, model)
            self._line(name, "words only", chosen, None)

    def _line(
        self, name: str, side: str, questions: Sequence[Labelled], model: EmbeddingModel | None
    ) -> None:
        figures = measure(questions, model)
        self.stdout.write(
            f"{name:<12} {side:<11} {figures.questions:>3} questions  "
            f"nDCG@10 {figures.ndcg10:.2f}  recall@5 {figures.recall5:.2f}"
        )


def _sets(questions: Sequence[Labelled]) -> dict[str, Sequence[Labelled]]:
    return {
        "all": questions,
        "held out": held_out(),
        "unread": [each for each in held_out() if each in questions[READ_BEFORE:]],
        "paraphrases": [each for each in questions if each.kind == "paraphrase"],
        "identifiers": [each for each in questions if each.kind == "identifier"],
    }
