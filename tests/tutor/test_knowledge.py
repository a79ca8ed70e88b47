"""Articles become chunks, chunks are found: filtered first, exact names, any words, vectors."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tutor.chunking import CHUNK_CHARACTERS, ArticleInvalid, parse
from tutor.evaluation.ranking import ndcg, recall
from tutor.ingest import documents, embed_waiting, ingest
from tutor.models import Chunk, Source
from tutor.providers.embedding import EmbeddingUnavailable
from tutor.retrieval import Wanted, rank, search
from tutor.telling import told_by
from tutor.vectors import kind_of

FRONT = '---\ntitle: "A title"\nslug: a-title\nlicense: MIT\nversion: 1\n---\n'


class TestArticles:
    def test_a_heading_begins_a_piece_and_a_comment_sets_its_rung(self):
        article = parse(
            FRONT + "## One\nfirst\n\n## Two\n<!-- rung: 3 -->\nsecond\n## Three\nthird", name="x"
        )
        pieces = [(piece.heading, piece.text, piece.min_rung) for piece in article.pieces]
        assert pieces == [("One", "first", 0), ("Two", "second", 3), ("Three", "third", 0)]

    def test_a_hash_inside_a_block_of_code_is_no_heading(self):
        article = parse(FRONT + "## One\n```sh\n# a comment\nls\n```", name="x")
        assert len(article.pieces) == 1
        assert "# a comment" in article.pieces[0].text

    def test_a_long_section_is_cut_between_paragraphs(self):
        paragraphs = [f"Paragraph {n}. " + "word " * 60 for n in range(8)]
        article = parse(FRONT + "## One\n" + "\n\n".join(paragraphs), name="x")
        assert len(article.pieces) > 2
        assert all(len(piece.text) < 2 * CHUNK_CHARACTERS for piece in article.pieces)
        assert all(piece.text.startswith("Paragraph") for piece in article.pieces)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("no front matter", "must begin with front matter"),
            (FRONT, "holds no text"),
            ("---\ntitle: x\n---\nbody", "title"),
            ("---\n: [\n---\nbody", "cannot be read"),
            ("---\na: !!int ''\n---\nbody", "cannot be read"),
            (FRONT + "bo\0dy", "zero bytes"),
            (FRONT.replace("license: MIT", "license: MIT\nevil: 1") + "body", "evil"),
            (FRONT.replace("slug: a-title", "slug: ../up") + "body", "slug"),
            (FRONT.replace("version: 1", "version: 1\nmin_rung: 9") + "body", "min_rung"),
        ],
    )
    def test_a_wrong_article_is_named_with_what_is_wrong(self, text, says):
        with pytest.raises(ArticleInvalid, match="the-file") as problem:
            parse(text, name="the-file")
        assert says in problem.value.message


@pytest.fixture
def bring(article, tmp_path, db, vectors):
    def do():
        return ingest(documents(tmp_path / "scenarios", articles=tmp_path / "all"), vectors)

    return do


class TestIngestion:
    def test_a_second_time_changes_and_embeds_nothing(self, article, bring, vectors):
        article("one", "## A\ntext of one")
        assert bring().changed == 1
        before = len(vectors.calls)
        tally = bring()
        assert (tally.changed, tally.embedded) == (0, 0)
        assert len(vectors.calls) == before

    def test_only_changed_pieces_are_embedded_again(self, article, bring):
        article("one", "## A\nfirst\n\n## B\nsecond")
        bring()
        article("one", "## A\nfirst\n\n## B\nchanged")
        tally = bring()
        assert (tally.changed, tally.embedded) == (1, 1)

    def test_a_removed_article_leaves_the_index(self, article, bring):
        article("one", "## A\nfirst")
        path = article("two", "## B\nsecond")
        bring()
        path.unlink()
        assert bring().removed == 1
        assert not Chunk.objects.filter(heading="B").exists()

    def test_an_invalid_article_is_left_out_and_what_stood_of_it_stays(self, article, bring):
        article("one", "## A\nfirst")
        path = article("two", "## B\nsecond")
        bring()
        path.write_text("broken")
        tally = bring()
        assert len(tally.problems) == 1
        assert "two" in tally.problems[0]
        assert Chunk.objects.filter(heading="B").exists()

    def test_without_a_model_words_are_there_and_vectors_follow(
        self, article, tmp_path, vectors, db
    ):
        article("one", "## A\nfirst words")
        wanted = documents(tmp_path / "scenarios", articles=tmp_path / "all")
        assert ingest(wanted, None).waiting == 1
        assert embed_waiting(vectors) == 1
        assert Chunk.objects.get().embedding_model == kind_of(vectors)

    def test_a_model_that_is_not_there_stops_nothing(self, article, tmp_path, db):
        class Missing:
            name = "missing"

            def embed(self, _texts):
                raise EmbeddingUnavailable("not here")

        article("one", "## A\nfirst")
        wanted = documents(tmp_path / "scenarios", articles=tmp_path / "all")
        assert ingest(wanted, Missing()).waiting == 1
        assert search(Wanted(text="first"), model=Missing())

    def test_a_scenarios_articles_belong_to_it(self, article, bring):
        article("desk", "## D\nthe desk", scenario="ladder")
        bring()
        assert Source.objects.get().scenario == "ladder"
        assert Source.objects.get().key == "ladder/desk"

    def test_the_command_says_what_it_did(self, settings, tmp_path, db, capsys):
        settings.RANGE_SCENARIOS_DIR = tmp_path
        call_command("ingest_knowledge", "--no-embedding")
        said = capsys.readouterr().out
        assert "articles" in said
        assert "0 embedded now" in said

    def test_the_strict_command_fails_on_an_invalid_article(self, settings, article, tmp_path, db):
        article("broken", "text", scenario="ladder").write_text("nothing")
        settings.RANGE_SCENARIOS_DIR = tmp_path / "scenarios"
        with pytest.raises(CommandError):
            call_command("ingest_knowledge", "--no-embedding", "--strict")


def headings(wanted, model):
    return [passage.heading for passage in search(wanted, model=model, limit=10)]


@pytest.mark.usefixtures("knowledge")
class TestRetrieval:
    def test_passages_above_the_rung_are_not_found_at_all(self, vectors):
        text = "a pager accepts commands and starts a shell"
        assert "Commands inside" not in headings(Wanted(text=text, rung=2), vectors)
        assert headings(Wanted(text=text, rung=3), vectors)[0] == "Commands inside"

    def test_another_scenarios_passages_are_not_found(self, vectors):
        text = "clerks read the daybook every morning"
        assert "The desk" not in headings(Wanted(text=text, rung=4, scenario="other"), vectors)
        assert "The desk" not in headings(Wanted(text=text, rung=4), vectors)
        assert headings(Wanted(text=text, rung=4, scenario="ladder"), vectors)[0] == "The desk"

    def test_what_spoils_is_for_the_top_rung(self, vectors):
        Chunk.objects.filter(heading="Rules").update(spoils=True)
        assert "Rules" not in headings(Wanted(text="rules of sudo", rung=3), vectors)
        assert "Rules" in headings(Wanted(text="rules of sudo", rung=4), vectors)

    def test_a_passage_of_one_objective_serves_that_one_only(self, vectors):
        Chunk.objects.filter(heading="The desk").update(objective="mend")
        wanted = {"text": "the daybook of the desk", "rung": 4, "scenario": "ladder"}
        assert "The desk" not in headings(Wanted(**wanted, objective="enter"), vectors)
        assert "The desk" in headings(Wanted(**wanted, objective="mend"), vectors)

    @pytest.mark.parametrize("name", ["T1548.003", "t1548.003", "what is T1548.003?", "sudo -l"])
    def test_an_exact_name_is_found_first(self, vectors, name):
        assert headings(Wanted(text=name, rung=3), vectors)[0] == "Rules"

    def test_a_name_is_found_without_vectors(self):
        assert headings(Wanted(text="T1548.003", rung=3), None) == ["Rules"]

    def test_any_of_the_words_is_enough(self):
        text = "how might somebody look at long texts on a screen"
        assert "What a pager is" in headings(Wanted(text=text, rung=3), None)

    @pytest.mark.parametrize(
        "hostile",
        ["'", "' | '", "a & | ! ( )", "\\", "''; DROP TABLE tutor_chunk; --", ":*", "<->", "",
         "the of and", "x" * 5000, "`'` T1059' | 'x"],
    )  # fmt: skip
    def test_no_question_breaks_the_search(self, vectors, hostile):
        rank(Wanted(text=hostile, rung=3), model=vectors)
        assert Chunk.objects.exists()

    def test_passages_are_numbered_from_one(self, vectors):
        found = search(Wanted(text="pager", rung=3), model=vectors)
        assert [passage.number for passage in found] == list(range(1, len(found) + 1))

    def test_a_large_index_gives_the_filtered_rows_too(self, vectors, monkeypatch):
        monkeypatch.setattr("tutor.retrieval.SMALL_BELOW", -10)
        monkeypatch.setattr("tutor.telling.SMALL_BELOW", -10)
        text = "clerks read the daybook every morning"
        assert headings(Wanted(text=text, rung=4, scenario="ladder"), vectors)[0] == "The desk"

    def test_the_index_of_vectors_is_what_a_large_search_reads(self, vectors, monkeypatch):
        monkeypatch.setattr("tutor.retrieval.SMALL_BELOW", -10)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_sort = off")
        with CaptureQueriesContext(connection) as said:
            search(Wanted(text="pagers", rung=3), model=vectors)
        (asked,) = (each["sql"] for each in said if "::halfvec" in each["sql"])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {asked}")
            plan = " ".join(row[0] for row in cursor.fetchall())
        assert "Index Scan using chunk_embedding_hnsw" in plan

    def test_what_too_many_passages_hold_names_none_beside_vectors(self, vectors, monkeypatch):
        monkeypatch.setattr("tutor.telling.MOST_RANKED", 0)
        wanted = Wanted(text="T1548.003", rung=3)
        assert headings(wanted, None) == ["Rules"]
        monkeypatch.setattr("tutor.retrieval._by_vector", lambda *_: [])
        assert headings(wanted, vectors) == []

    def test_statistics_weigh_a_rare_word_more_and_are_read_once(self, monkeypatch):
        monkeypatch.setattr("tutor.telling.SMALL_BELOW", -10)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE tutor_chunk")
        told_by("pager daybook")
        with CaptureQueriesContext(connection) as said:
            told = told_by("pager daybook")
        assert [each.name for each in told.words] == ["daybook", "pager"]
        assert told.words[0].weight > told.words[1].weight
        assert len(said) == 1

    def test_the_indexes_are_there(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'tutor_chunk'")
            definitions = " ".join(row[0] for row in cursor.fetchall())
        assert "USING hnsw (((embedding)::halfvec(384)) halfvec_cosine_ops)" in definitions
        assert definitions.count("USING gin") == 2


def test_the_figures_of_ranking_are_those_of_the_books():
    want = {"a": 2, "b": 1}
    assert ndcg(["a", "b"], want) == 1.0
    assert ndcg(["x", "y"], want) == 0.0
    assert 0 < ndcg(["b", "a"], want) < 1
    assert recall(["x", "a"], want) == 1.0
    assert recall(["b"], want) == 0.0
