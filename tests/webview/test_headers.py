from range.webview import headers

OWN = "http://abc.view.localhost:8003"
PAGES = ("http://localhost:8000",)
NAMES = frozenset({"portal:8080", "10.213.0.5:8080"})


def to_machine(*given):
    sent = headers.to_machine(given, authority="portal:8080", own_origin=OWN)
    return [pair for pair in sent if pair[0] != b"connection"]


def to_browser(*given, embedded=False):
    sent = headers.to_browser(
        given, names=NAMES, own_origin=OWN, page_origins=PAGES, embedded=embedded
    )
    return sent[: -len(headers.guards(PAGES))]


def test_a_machine_is_asked_by_its_own_name():
    sent = to_machine(
        (b"host", b"abc.view.localhost:8003"),
        (b"origin", OWN.encode()),
        (b"referer", f"{OWN}/list?a=1".encode()),
    )
    assert sent == [
        (b"host", b"portal:8080"),
        (b"origin", b"http://portal:8080"),
        (b"referer", b"http://portal:8080/list?a=1"),
    ]


def test_where_somebody_came_from_is_not_told():
    sent = to_machine(
        (b"referer", b"http://localhost:8000/attempts/1/"),
        (b"origin", b"http://localhost:8000"),
        (b"referer", f"{OWN}.evil.example/".encode()),
        (b"x-forwarded-for", b"192.0.2.1"),
        (b"x-forwarded-host", b"range.example"),
        (b"forwarded", b"for=192.0.2.1"),
        (b"via", b"1.1 proxy"),
    )
    assert sent == [(b"host", b"portal:8080")]


def test_the_ticket_stays_here_and_other_cookies_go_on():
    sent = to_machine(
        (b"cookie", b"a=1; muster-view=secret; session=x=y"), (b"cookie", b"muster-view=second")
    )
    assert sent == [(b"host", b"portal:8080"), (b"cookie", b"a=1; session=x=y")]
    given = [(b"cookie", b"muster-view=one; a=2; muster-view=two")]
    assert headers.tickets_in(given) == ["one", "two"]


def test_a_flood_of_tickets_is_cut_to_a_handful():
    given = [(b"cookie", b"; ".join(b"muster-view=%d" % n for n in range(500)))]
    assert len(headers.tickets_in(given)) == 4


def test_what_belongs_to_one_connection_stays_on_it():
    sent = to_machine(
        (b"connection", b"keep-alive, X-Secret"),
        (b"keep-alive", b"timeout=5"),
        (b"x-secret", b"1"),
        (b"te", b"trailers"),
        (b"proxy-authorization", b"Basic x"),
        (b"accept", b"text/html"),
    )
    assert sent == [(b"host", b"portal:8080"), (b"accept", b"text/html")]


def test_a_body_ends_in_one_way_only():
    sent = to_machine((b"content-length", b"5"), (b"transfer-encoding", b"chunked"))
    assert sent == [(b"host", b"portal:8080"), (b"transfer-encoding", b"chunked")]


def test_a_websocket_is_asked_for_and_nothing_else():
    asked = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket"), (b"sec-websocket-key", b"k")]
    sent = headers.to_machine(asked, authority="portal", own_origin=OWN)
    assert (b"upgrade", b"websocket") in sent
    assert (b"connection", b"Upgrade") in sent
    other = headers.to_machine(
        [(b"connection", b"Upgrade"), (b"upgrade", b"h2c")], authority="portal", own_origin=OWN
    )
    assert [name for name, _ in other] == [b"host", b"connection"]


def test_redirects_to_the_machines_own_name_stay_in_the_view():
    for given, led in {
        b"http://portal:8080/login?next=/a#b": f"{OWN}/login?next=/a#b".encode(),
        b"//portal:8080/x": f"{OWN}/x".encode(),
        b"http://10.213.0.5:8080/": f"{OWN}/".encode(),
        b"http://PORTAL:8080": f"{OWN}/".encode(),
        b"http://portal:8080//evil.example/": f"{OWN}/evil.example/".encode(),
        b"/relative": b"/relative",
        b"http://portal:9000/": b"http://portal:9000/",
        b"https://portal:8080/": b"https://portal:8080/",
        b"http://[broken": b"http://[broken",
        b"http://portal:99999999/": b"http://portal:99999999/",
    }.items():
        assert to_browser((b"location", given)) == [(b"location", led)]


def test_a_machines_cookie_is_for_its_own_host():
    kept = to_browser((b"set-cookie", b"a=1; Domain=view.localhost; Path=/; HttpOnly"))
    assert kept == [(b"set-cookie", b"a=1; Path=/; HttpOnly")]
    kept = to_browser((b"set-cookie", b"a=1;domain = .localhost;SameSite=Lax"))
    assert kept == [(b"set-cookie", b"a=1; SameSite=Lax")]


def test_a_machine_cannot_set_the_ticket():
    assert to_browser((b"set-cookie", b"muster-view=mine; Path=/")) == []
    assert to_browser((b"set-cookie", b" muster-view =mine")) == []


def test_in_a_frame_of_another_site_cookies_say_that_they_expect_it():
    given = (b"set-cookie", b"a=1; SameSite=Strict; Secure; HttpOnly")
    assert to_browser(given, embedded=True) == [
        (b"set-cookie", b"a=1; HttpOnly; SameSite=None; Secure; Partitioned")
    ]


def test_what_a_page_may_say_about_frames_is_ours():
    kept = to_browser(
        (b"x-frame-options", b"DENY"),
        (
            b"content-security-policy",
            b"default-src 'self'; Frame-Ancestors 'none'; report-uri http://x/",
        ),
        (b"content-security-policy", b"frame-ancestors 'none'"),
        (b"content-security-policy-report-only", b"default-src 'none'"),
    )
    assert kept == [(b"content-security-policy", b"default-src 'self'")]
    assert (b"content-security-policy", b"frame-ancestors http://localhost:8000") in (
        headers.guards(PAGES)
    )
    assert headers.guards(())[0] == (b"content-security-policy", b"frame-ancestors 'none'")


def test_what_reaches_beyond_the_page_is_dropped():
    assert (
        to_browser(
            (b"strict-transport-security", b"max-age=9; includeSubDomains"),
            (b"clear-site-data", b'"cookies"'),
            (b"service-worker-allowed", b"/"),
            (b"referrer-policy", b"unsafe-url"),
            (b"report-to", b"{}"),
            (b"connection", b"keep-alive"),
            (b"keep-alive", b"timeout=5"),
        )
        == []
    )


def test_the_ticket_is_for_one_host_and_no_script():
    framed = headers.ticket_cookie("t", embedded=True, secure=False)
    assert framed == b"muster-view=t; Path=/; HttpOnly; SameSite=None; Secure; Partitioned"
    alone = headers.ticket_cookie("t", embedded=False, secure=False)
    assert alone == b"muster-view=t; Path=/; HttpOnly; SameSite=Lax"
    assert headers.ticket_cookie("t", embedded=False, secure=True).endswith(b"; Secure")
