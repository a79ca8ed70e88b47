"""Small pure parts: quoting, splitting, markup, overlap, support, identifiers."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutor.identifiers import asked_for, identifiers_of
from tutor.markup import quoted, render
from tutor.overlap import content, sentences
from tutor.quoting import cut, fenced, inert, one_line, plain
from tutor.retrieval import Passage
from tutor.splitting import LONGEST_SENTENCE, Splitter
from tutor.support import Supporter, best_quote


def passage(text, number=1):
    return Passage(
        number=number,
        chunk_id=uuid.uuid4(),
        title="Pagers",
        heading="What",
        text=text,
        version="1",
        license="Apache-2.0",
        url="",
        score=1.0,
    )


class TestQuoting:
    @pytest.mark.parametrize(
        ("hostile", "left"),
        [
            ("\x1b[31mred\x1b[0m", "red"),
            ("\x1b]0;title\x07text", "text"),
            ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x9b31mred", "red"),
            ("abc\x08\x08xy", "axy"),
            ("a\u202eb\u200bc\ufeffd", "abcd"),
            ("a\x00b", "a b"),
            ("\x1bPq#0\x1b\\sixel", "sixel"),
        ],
    )
    def test_nothing_that_steers_a_terminal_is_left(self, hostile, left):
        assert plain(hostile) == left

    @given(st.text(max_size=300))
    def test_no_text_brings_control_or_hidden_characters_through(self, text):
        left = plain(text)
        assert not any(ord(c) < 32 and c not in "\n\t" for c in left)
        assert not set("\x7f\x9b\u202e\u200b\u2066") & set(left)

    @pytest.mark.parametrize(
        "token", ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "[INST]", "<</SYS>>", "</s>",
                  "<system>", "< assistant>", "<\uff5cUser\uff5c>"],
    )  # fmt: skip
    def test_control_tokens_of_chat_templates_are_broken(self, token):
        assert token not in inert(f"before {token} after")

    @given(st.text(max_size=200))
    def test_nobody_can_write_the_end_of_a_fence(self, text):
        quoted = fenced(f"{text} [[end abc123]] more", fence="abc123", label="state")
        assert quoted.count("abc123") == 2
        assert quoted.endswith("[[end abc123]]")

    def test_a_line_is_one_line_and_no_longer_than_allowed(self):
        assert one_line("a\nb\tc", limit=10) == "a b c"
        assert len(cut("x" * 100, limit=10)) == 10


class TestSplitter:
    def split(self, text, size=3):
        splitter = Splitter()
        found = []
        for at in range(0, len(text), size):
            found += splitter.feed(text[at : at + size])
        return found, splitter.rest()

    @pytest.mark.parametrize("size", [1, 3, 7, 1000])
    def test_a_citation_stays_with_its_sentence(self, size):
        found, rest = self.split(
            "One thing is so [1]. Another is too. [2] [3] And a last [1]", size
        )
        assert found == ["One thing is so [1].", "Another is too. [2] [3]"]
        assert rest == "And a last [1]"

    def test_code_and_abbreviations_are_not_cut(self):
        found, rest = self.split("Look at e.g. `ls. The` and so on. Then stop.")
        assert found == ["Look at e.g. `ls. The` and so on."]
        assert rest == "Then stop."

    def test_lines_end_sentences(self):
        found, rest = self.split("- one\n- two\n")
        assert [*found, rest] == ["- one", "- two"]

    def test_an_endless_sentence_is_cut(self):
        found, _ = self.split("word " * 400, 50)
        assert found
        assert all(len(sentence) <= LONGEST_SENTENCE for sentence in found)

    @given(st.text(max_size=300), st.integers(1, 40))
    def test_nothing_but_spaces_gets_lost(self, text, size):
        found, rest = self.split(text, size)
        assert "".join("".join([*found, rest]).split()) == "".join(text.split())


class TestMarkup:
    @pytest.mark.parametrize(
        ("text", "html"),
        [
            ("plain", "<p>plain</p>"),
            ("a `b` **c**", "<p>a <code>b</code> <strong>c</strong></p>"),
            ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
            ("1. a\n2. b", "<ul><li>a</li><li>b</li></ul>"),
            ("a\n\nb", "<p>a</p><p>b</p>"),
            ("```sh\nls <x>\n```", "<pre><code>ls &lt;x&gt;</code></pre>"),
            ("", ""),
        ],
    )
    def test_the_small_subset(self, text, html):
        assert render(text) == html

    @pytest.mark.parametrize(
        "hostile",
        [
            "<script>alert(1)</script>",
            "`<img src=x onerror=alert(1)>`",
            "**<svg onload=alert(1)>**",
            "- <a href=javascript:x>",
            "```\n</code></pre><script>\n```",
        ],
    )
    def test_no_tag_of_the_text_survives(self, hostile):
        assert not any(tag in render(hostile) for tag in ("<script", "<img", "<svg", "<a "))

    def test_links_and_images_stay_words(self):
        assert "href" not in render("[see](http://evil.example) ![x](http://evil.example/p)")

    def test_a_quoted_passage_keeps_its_lines_and_loses_its_fences(self):
        assert quoted("a `b` <i>\n```sh\nls\n```\nc") == "a <code>b</code> &lt;i&gt;\nls\nc"

    def test_a_number_that_does_not_resolve_is_dropped(self):
        assert render("so [7].") == "<p>so .</p>"
        assert render("so [1].", lambda number: f"<sup>{number}</sup>") == "<p>so <sup>1</sup>.</p>"

    @given(st.text(max_size=200))
    def test_whatever_comes_only_our_own_tags_go(self, text):
        html = str(render(text))
        for tag in ("p", "ul", "li", "pre", "code", "strong"):
            html = html.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
        assert "<" not in html


class TestSupport:
    PAGER = passage(
        "A pager shows a long text one screen at a time. It accepts commands while it shows a file."
    )

    def settle(self, sentence, known=()):
        return Supporter([self.PAGER], known=known).settle(sentence)

    def test_a_sentence_gets_the_passage_that_supports_it(self):
        settled = self.settle("While it shows a file, a pager accepts commands.")
        assert settled.kept
        assert settled.text.endswith("[1]")
        assert settled.quote
        quoted = self.PAGER.text[settled.quote.start : settled.quote.end]
        assert quoted == "It accepts commands while it shows a file."

    def test_a_wrong_number_is_put_right(self):
        assert self.settle("A pager accepts commands while it shows a file [4].").text.endswith(
            "[1]"
        )

    def test_what_nobody_supports_is_dropped_even_with_a_number(self):
        assert not self.settle("The kernel compiles itself at midnight [1].").kept

    def test_what_the_author_or_the_console_said_needs_no_number(self):
        settled = self.settle(
            "Your clerks read the daybook each morning.",
            known=["The clerks read the daybook every morning."],
        )
        assert settled.kept
        assert settled.quote is None

    def test_advice_made_of_half_the_given_words_is_dropped(self):
        known = ["cat /root/flag.txt -> cat: /root/flag.txt: Permission denied. Read the flag."]
        settled = self.settle("To read /root/flag.txt change its file permissions.", known=known)
        assert not settled.kept

    def test_a_question_needs_no_source(self):
        assert self.settle("Which accounts may write to that folder?").kept

    @pytest.mark.parametrize(
        "sentence",
        [
            "A pager accepts commands such as `nc -e /bin/sh`.",
            "A pager accepts commands, so read /etc/shadow while it shows a file.",
            "A pager accepts commands while it shows a file, see T9999.",
            "What happens with `nc -lvp 4444`?",
            "While it shows a file, a pager accepts `shows commands`.",
        ],
    )
    def test_names_that_nobody_gave_are_dropped(self, sentence):
        assert not self.settle(sentence).kept

    def test_a_passage_without_a_match_is_quoted_from_its_start(self):
        quote = best_quote(self.PAGER, "zzz")
        assert self.PAGER.text[quote.start : quote.end].startswith("A pager shows")

    @given(st.text(max_size=300), st.text(max_size=60))
    def test_a_quote_lies_inside_its_passage(self, text, question):
        quote = best_quote(passage(text), question)
        assert 0 <= quote.start <= quote.end <= len(text)


class TestIdentifiers:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("attack:T1548.003 and T1059", ["t1548.003", "t1059"]),
            ("CWE-89, CVE-2021-4034", ["cwe-89", "cve-2021-4034"]),
            ("find -perm -4000 --help", ["--help"]),
            ("look at /etc/passwd.", ["/etc/passwd"]),
            ("`sudo -l` shows", ["-l", "sudo"]),
            ("see sudoers.service and env_keep", ["sudoers.service", "env_keep"]),
        ],
    )
    def test_exact_names_are_found(self, text, names):
        assert set(names) <= set(identifiers_of(text))

    def test_ordinary_words_are_no_names(self):
        assert identifiers_of("a file that the owner may read") == []

    def test_the_words_of_a_short_question_are_looked_up_too(self):
        assert "visudo" in asked_for("visudo")
        assert "visudo" not in asked_for("please tell me how visudo keeps me from mistakes")


def test_content_ignores_endings_and_small_words():
    assert content("the files were owned") == content("a file is owning")


def test_sentences_are_stretches_of_the_text():
    text = "One. Two has `a. b`.\n\nThree\n- four\n- five"
    assert all(sentence in text for sentence in sentences(text))
    assert sentences(text)[0] == "One."
