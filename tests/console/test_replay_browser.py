"""The replay in Chromium: seeks in long recordings, several consoles on one line, links, files."""

import json
import random
from urllib.parse import parse_qs, urlsplit

import pytest

from range.timeline.services import record
from tests.console.recordings import HOUR_MS, add, long_work, printed
from tests.console.test_browser import chromium_place, shot
from tests.console.test_tabs_browser import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# What a seek may write at most: what lies between two pictures, and a picture.
MOST_CHARACTERS = 128 * 1024
PLAYER = "document.querySelector('[data-replay]').player"
SEEK = f"""async (moment) => {{
    const player = {PLAYER};
    const began = performance.now();
    await player.to(player.tape.recording.starts + moment);
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    return [performance.now() - began, player.written];
}}"""
# Everything that can be seen of a terminal, and what the next output depends on.
STATE = """(term) => {
    const { active, normal } = term.buffer;
    const cell = active.getNullCell();
    const flags = ["isBold", "isDim", "isItalic", "isUnderline", "isBlink", "isInverse",
        "isInvisible", "isStrikethrough", "isOverline", "getFgColorMode", "getFgColor",
        "getBgColorMode", "getBgColor", "getWidth"];
    const seen = (buffer, first) => Array.from({length: term.rows}, (_, y) =>
        Array.from({length: term.cols}, (_, x) => {
            buffer.getLine(first + y).getCell(x, cell);
            return [cell.getChars() || " ", ...flags.map((flag) => cell[flag]())].join();
        }));
    const above = Array.from({length: Math.min(100, normal.baseY)}, (_, y) =>
        normal.getLine(normal.baseY - 1 - y).translateToString().trimEnd());
    const core = term._core;
    const { scrollTop, scrollBottom } = core.buffers.active;
    return JSON.stringify({
        cols: term.cols, rows: term.rows, type: active.type, above,
        active: seen(active, active.baseY), normal: seen(normal, normal.baseY),
        cursor: [active.cursorX, active.cursorY], region: [scrollTop, scrollBottom],
        hidden: core.coreService.isCursorHidden, modes: term.modes,
    });
}"""
# Plays from the beginning on another terminal, up to each of some moments, and compares.
COMPARED = f"""async (moments) => {{
    const {{ makeTerminal }} = await import("/static/js/terminal.js");
    const player = {PLAYER};
    const {{ tape }} = player;
    const state = {STATE};
    const played = makeTerminal({{ ...tape.size, scrollback: 2000 }});
    const write = (text) => new Promise((done) => played.write(text, done));
    const differ = [];
    let next = 0;
    for (const moment of moments) {{
        for (const until = tape.until(moment); next < until; next += 1) {{
            const {{ code, text, size }} = tape.events[next];
            if (code === "o") played.write(text);
            else await write("").then(() => played.resize(size.cols, size.rows));
        }}
        await write("");
        await player.to(tape.recording.starts);
        await player.to(tape.recording.starts + moment);
        const [wanted, got] = [state(played), state(player.term)];
        if (wanted === got) continue;
        const [one, other] = [JSON.parse(wanted), JSON.parse(got)];
        const parts = Object.keys(one).filter((key) =>
            JSON.stringify(one[key]) !== JSON.stringify(other[key]));
        differ.push([moment, tape.pictureBefore(player.next).next, player.next, parts]);
    }}
    return [differ, tape.pictures.length];
}}"""


@pytest.fixture
def place(console_role, settings, monkeypatch):
    with chromium_place(settings, monkeypatch) as made:
        yield made


def replay(place, query=""):
    place.page.goto(f"{place.url}/attempts/{place.sitting.attempt.pk}/replay/{query}")
    place.page.locator("[data-replay][data-ready=yes]").wait_for()
    return place.page


def made_ready(page):
    """Wait until the pictures of the shown recording are made; return how long that took."""
    return page.evaluate(f"""async () => {{
        const began = performance.now();
        await {PLAYER}.tape.ready;
        return performance.now() - began;
    }}""")


@pytest.mark.timeout(300)
def test_a_seek_in_a_long_recording_draws_little(place):
    long = add(place.sitting, long_work(characters=5_000_000))
    for console in ("2", "3"):
        add(place.sitting, long_work(characters=300_000, seed=int(console)), console=console)
    page = replay(place, f"?recording={long.pk}")
    assert page.evaluate(f"{PLAYER}.tape.characters") >= 5_000_000
    ready = made_ready(page)
    chance = random.Random(7)
    seeks = [page.evaluate(SEEK, chance.randrange(HOUR_MS)) for _ in range(60)]
    took = sorted(ms for ms, _ in seeks)
    written = [characters for _, characters in seeks]
    print(
        f"\nseeks in an hour of 5 MB: p50 {took[30]:.0f} ms, p95 {took[57]:.0f} ms, "
        f"at most {max(written) / 1024:.0f} KiB written; pictures made within {ready:.0f} ms"
    )
    assert max(written) <= MOST_CHARACTERS
    assert max(written) < page.evaluate(f"{PLAYER}.tape.characters") / 10
    assert place.problems == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [2, 3])
def test_a_seek_shows_what_playing_from_the_beginning_shows(place, seed):
    add(place.sitting, long_work(characters=1_500_000, seed=seed))
    page = replay(place)
    made_ready(page)
    chance = random.Random(seed)
    moments = sorted(chance.randrange(HOUR_MS) for _ in range(40))
    differ, pictures = page.evaluate(COMPARED, moments)
    assert pictures > 10
    assert differ == []


def test_of_many_moments_asked_for_at_once_the_last_is_drawn(place):
    add(place.sitting, long_work(characters=600_000))
    page = replay(place)
    made_ready(page)
    drawn = page.evaluate(
        f"""async () => {{
            const player = {PLAYER};
            let drawn = 0;
            const write = player.term.write.bind(player.term);
            player.term.write = (text, done) => ((drawn += text.length), write(text, done));
            const {{ starts }} = player.tape.recording;
            for (let at = 0; at < 200; at += 1) player.to(starts + (at * 7919000) % 3600000);
            await player.to(starts + 1800000);
            return [drawn, player.next === player.tape.until(1800000)];
        }}"""
    )
    assert drawn[1]
    assert drawn[0] <= 2 * MOST_CHARACTERS


# --- several consoles -------------------------------------------------------------------------


@pytest.fixture
def two_days(place):
    """Two consoles at a time, and a third the next day."""
    sitting = place.sitting
    day = 24 * HOUR_MS
    add(sitting, printed(*(f"first {n}" for n in range(60))), starts_ms=5000, ends_ms=65_000)
    second = add(
        sitting,
        printed(*(f"second {n}" for n in range(30))),
        console="2",
        starts_ms=25_000,
        ends_ms=60_000,
    )
    add(sitting, printed("third 0", "third 1"), starts_ms=day, ends_ms=day + 4000)
    record(
        sitting.attempt.pk,
        kind="console.command",
        actor="range",
        payload={"text": "id", "machine": "web", "recording": str(second.pk), "offset_ms": 5000},
    )
    return second


def screen(page):
    return page.locator(".replay__screen .xterm-rows")


def lane(page, at):
    return page.locator("[data-replay-lane]").nth(at)


def chosen(page):
    return [
        each.get_attribute("aria-pressed") == "true"
        for each in page.locator("[data-replay-lane]").all()
    ]


def clock(page):
    return page.locator("[data-replay-clock]").inner_text().partition(" /")[0]


def test_all_consoles_are_on_one_line_and_keep_the_moment(place, two_days):
    page = replay(place)
    assert [each.inner_text() for each in page.locator(".replay__name").all()] == [
        "web from 00:05",
        "web 2 from 00:25",
        "web from 24:00:00",
    ]
    assert chosen(page) == [True, False, False]
    page.evaluate(f"{PLAYER}.to(40000)")
    screen(page).get_by_text("first 33").wait_for()
    lane(page, 1).click()
    screen(page).get_by_text("second 13", exact=False).wait_for()
    assert clock(page) == "00:40"
    lane(page, 2).click()
    page.wait_for_function(f"() => {PLAYER}.tape.recording.starts > 80000000")
    assert clock(page) == "24:00:00"
    # What lies between is short on the line: the middle of it is in the first minute.
    page.locator("[data-replay-seek]").fill("30000")
    page.wait_for_function(f"() => {PLAYER}.at < 60000")
    assert chosen(page) == [False, True, False]
    assert clock(page) == "00:32"
    shot(page, "replay-two-days")
    assert violations(page) == []
    assert place.problems == []


def test_what_is_asked_for_while_a_recording_loads_counts(place, two_days):
    page = replay(place)
    held = []
    page.route("**/recordings/*.cast", lambda route: held.append(route))
    lane(page, 1).click()
    page.locator("[data-replay-seek]").fill("30000")
    page.locator("[data-replay-seek]").fill("40000")
    place.until(lambda: held)
    held[0].continue_()
    screen(page).get_by_text("second 16").wait_for()
    assert chosen(page) == [False, True, False]
    assert clock(page) == "00:42"


def test_playing_goes_on_in_the_next_console(place, two_days):
    page = replay(place)
    page.locator("[data-replay-speed]").select_option("16")
    page.evaluate(f"{PLAYER}.to(62000)")
    page.get_by_role("button", name="Play", exact=True).click()
    screen(page).get_by_text("third 1").wait_for(timeout=15_000)
    assert chosen(page) == [False, False, True]
    page.get_by_role("button", name="Play", exact=True).wait_for()
    assert clock(page) == "24:00:04"


def test_an_event_leads_to_its_console_and_a_link_to_its_moment(place, two_days):
    page = replay(place)
    page.locator(".replay__event", has_text="id").click()
    screen(page).get_by_text("second 3").wait_for()
    assert chosen(page) == [False, True, False]
    page.get_by_role("button", name="Link to this moment").click()
    asked = parse_qs(urlsplit(page.url).query)
    assert asked == {"recording": [str(two_days.pk)], "at": ["4500"]}
    page.reload()
    page.locator("[data-replay][data-ready=yes]").wait_for()
    screen(page).get_by_text("second 3").wait_for()
    assert clock(page) == "00:29"


def test_a_recording_is_downloaded_in_both_versions(place, two_days):
    page = replay(place)
    lane(page, 1).click()
    page.wait_for_function(f"() => {PLAYER}.tape.recording.starts > 20000")
    for name, version, second in (("Download", 3, 1.0), ("For older players", 2, 2.0)):
        with page.expect_download() as download:
            page.get_by_role("link", name=name, exact=True).click()
        lines = download.value.path().read_text().splitlines()
        assert json.loads(lines[0])["version"] == version
        assert json.loads(lines[2]) == [second, "o", "second 1\r\n"]


def test_marks_tell_commands_checks_and_hints_apart(place, two_days):
    for kind in ("evidence.recorded", "hint.unlocked"):
        record(place.sitting.attempt.pk, kind=kind, actor="range")
    page = replay(place)
    marks = page.locator(".replay__mark").all()
    kinds = {each.get_attribute("class").rpartition("--")[2] for each in marks}
    assert {"command", "evidence", "hint"} <= kinds
