"""Status pages, logins and dependencies: asked ourselves, and shown beside what they say."""

# mypy: disable-error-code="type-abstract"

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from drillbook.actions import platform
from drillbook.core.effect import Deadline, deadline
from drillbook.core.errors import NotFound, Refused, SettingsInvalid
from drillbook.ports.auth_state import AuthSeen, AuthState, LoginKind
from drillbook.ports.dependencies import Dependencies
from drillbook.ports.platform_apis import PlatformApis
from drillbook.ports.status_pages import Standing, StatusPages
from drillbook.providers.http.platform_apis import Api, ask_apis
from drillbook.providers.statuspage import PageAddress, StatuspagePages
from drillbook.providers.supabase.auth_state import SupabaseAuth
from drillbook.range import practice
from drillbook.range.twins.status import Board, Incident
from drillbook.range.twins.weather import Mode, Weather
from drillbook.stack.stack import load_stack
from outside.conftest import Outside
from remote.platform import Says
from remote.platform import platform as platform_that

AUTH = 'auth]\nprovider = "supabase"\nurl = "https://x.example"\n'
FAILING = Weather(Mode.FAILING, status=503)


def ports(outside: Outside) -> tuple[StatusPages, PlatformApis, AuthState, Dependencies]:
    at = outside.stack.port
    return (
        at("production", StatusPages),
        at("production", PlatformApis),
        at("production", AuthState),
        at("production", Dependencies),
    )


def login(outside: Outside) -> AuthSeen:
    seen = outside.stack.port("production", AuthState).look()
    assert seen is not None
    return seen


def test_all_is_well_where_a_login_and_the_dependency_answer_us(outside: Outside) -> None:
    found = platform.status.do(*ports(outside))

    assert (found.ok, found.failing, found.unknown) == (True, (), ())
    assert found.login is not None
    assert found.login.kind is LoginKind.SIGNED_IN
    assert (found.login.statuses, found.login.keys) == ((200, 200, 200), 2)
    assert abs(found.login.token_clock_seconds or 99) < 2
    assert [one.statuses for one in found.dependencies] == [(200, 200, 200)]
    assert (found.dependencies[0].switch, found.dependencies[0].routes) == (
        "PAYMENTS",
        ("/api/pay",),
    )
    assert {page.name: page.standing for page in found.pages} == {
        "payments": Standing.OPERATIONAL,
        "supabase": Standing.OPERATIONAL,
    }
    assert "3 of 3" not in found.says
    assert "2 of 2 answered us well" in found.says


def test_a_test_users_logins_leave_no_session_behind(outside: Outside) -> None:
    def sessions() -> int:
        with psycopg.connect(outside.project.url("database.url")) as connection:
            row = connection.execute("SELECT count(*) FROM auth.sessions").fetchone()
            return int(row[0]) if row else -1

    before = sessions()
    assert login(outside).alive is True

    assert sessions() == before


def test_what_fails_is_named_though_its_page_is_green_and_then_the_page_is_shown_beside_it(
    outside: Outside,
) -> None:
    outside.weather("payments", FAILING)

    early = platform.status.do(*ports(outside))
    Board(outside.cloud).post(Incident("payments", "Charges fail", "critical", ("API",)))
    late = platform.status.do(*ports(outside))

    assert (early.ok, early.failing) == (False, ("payments",))
    assert "3 of 3 of our requests: answered 503" in early.says
    assert [one.disagree for one in early.seen if one.name == "payments"] == [True]
    assert "the page says nothing of payments: pages lag" in early.says
    assert (late.failing, [one.disagree for one in late.seen if one.name == "payments"]) == (
        ("payments",),
        [False],
    )
    (notice,) = late.posted
    assert (notice.name, notice.standing, notice.components) == (
        "Charges fail",
        Standing.MAJOR,
        ("API",),
    )


def test_an_incident_that_is_posted_late_is_seen_late_and_told_from_when_it_began(
    outside: Outside,
) -> None:
    board, pages = Board(outside.cloud), outside.stack.port("production", StatusPages)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    board.post(Incident("supabase", "Later", late=timedelta(minutes=5)), origin="one")
    board.post(Incident("supabase", "Storage is slow", components=("Storage",)))
    made = board.post(Incident("supabase", "Auth is slow", components=("Auth",)), origin="two")

    open_now = [notice.name for page in pages.pages() for notice in page.notices]
    board.end("one")
    board.end("two")
    after = pages.posted(long_ago)

    # What concerns another component is left out: the stack names only "auth".
    assert open_now == ["Auth is slow"]
    assert [(one.id, one.stage) for one in after.notices] == [(made, "resolved")]
    (notice,) = after.notices
    assert notice.started <= notice.posted <= (notice.ended or notice.started)
    assert all(page.standing is Standing.OPERATIONAL for page in pages.pages())


def test_a_page_is_posted_to_by_its_own_interface_with_its_key_only(outside: Outside) -> None:
    key = {"Authorization": f"OAuth {outside.cloud.token('status')}"}
    at = f"{outside.urls['status']}/v1/pages/supabase/incidents"
    wanted = {
        "incident": {"name": "Logins fail", "impact_override": "major", "components": ["auth"]}
    }

    refused = httpx.post(at, json=wanted)
    wrong = httpx.post(at, json={"incident": {"name": "x", "components": ["Mail"]}}, headers=key)
    made = httpx.post(at, json=wanted, headers=key)
    page = outside.stack.port("production", StatusPages).pages()[1]
    ended = httpx.patch(
        f"{at}/{made.json()['id']}", json={"incident": {"status": "resolved"}}, headers=key
    )

    assert (refused.status_code, wrong.status_code, made.status_code) == (401, 422, 201)
    assert (page.standing, page.troubled[0].name) == (Standing.PARTIAL, "Auth")
    assert ended.status_code == 200


def test_every_second_login_that_fails_is_noticed(outside: Outside) -> None:
    outside.weather("auth-production", Weather(Mode.FAILING, share=0.5, status=500))

    seen = login(outside)

    assert seen.alive is False
    assert (seen.asked, 2 <= seen.failed <= 4) == (6, True)
    assert "logins failed: answered 500" in seen.says


def test_a_clock_ahead_is_told_by_the_token_though_the_date_header_is_right(
    outside: Outside,
) -> None:
    outside.weather("auth-production", Weather(clock_offset_seconds=900))

    found = platform.status.do(*ports(outside))

    assert found.login is not None
    assert found.login.skewed
    assert abs((found.login.token_clock_seconds or 0) - 900) < 2
    assert abs(found.login.date_clock_seconds or 0) < 2
    assert found.failing == ("login",)
    assert "900 s ahead of our clock" in found.says


def test_a_login_service_without_a_database_is_dead_whatever_its_health_says(
    outside: Outside,
) -> None:
    url = outside.project.folder / "auth-database.url"
    kept = url.read_text()
    url.write_text(kept.replace("/project_", "/no_such_"))
    try:
        seen = login(outside)
        nobody = SupabaseAuth(lambda: outside.urls["login"]).look()
    finally:
        url.write_text(kept)

    assert httpx.get(f"{outside.urls['login']}/health").status_code == 200
    assert (seen.alive, seen.statuses) == (False, (500, 500, 500))
    # Without a test user as well: a refusal needs the database.
    assert (nobody.alive, nobody.kind) == (False, LoginKind.REFUSED)


def test_without_a_test_user_a_refusal_in_time_is_life(outside: Outside) -> None:
    seen = SupabaseAuth(lambda: outside.urls["login"]).look()

    assert (seen.alive, seen.kind, seen.statuses) == (True, LoginKind.REFUSED, (400, 400, 400))
    assert seen.token_clock_seconds is None
    assert seen.date_clock_seconds is not None


def test_a_test_user_with_a_wrong_password_proves_the_service_and_names_the_setting(
    outside: Outside,
) -> None:
    wrong = SupabaseAuth(
        lambda: outside.urls["login"],
        user="customer5@example.com",
        password=lambda: "no-such-password",
    )

    seen = wrong.look()

    assert (seen.alive, seen.kind) == (True, LoginKind.REFUSED)
    assert "the test user's password is refused" in seen.says


@pytest.mark.parametrize(
    ("status", "code", "limited"),
    [(401, "", 0), (404, "", 0), (429, "", 3), (400, "captcha_failed", 0)],
)
def test_who_never_got_through_to_the_logins_knows_nothing_of_them(
    status: int, code: str, limited: int
) -> None:
    with platform_that() as gateway:
        gateway.says = [Says(status, json.dumps({"msg": "no", "error_code": code}))]
        seen = SupabaseAuth(lambda: gateway.url).look()

    assert (seen.alive, seen.limited) == (None, limited)
    assert "logins are not known" in seen.says


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Says(200, "<html>"), "what is no status page"),
        (Says(200, '{"components": []}'), "what is no status page"),
        (Says(302, "", {"Location": "https://elsewhere.example/"}), "elsewhere.example"),
        (Says(503, ""), "answered 503"),
        (Says(drop=True), "the connection broke"),
    ],
)
def test_a_page_that_answers_otherwise_is_unknown_and_not_well(answer: Says, says: str) -> None:
    with platform_that() as site:
        site.says = [answer]
        pages = StatuspagePages((PageAddress("theirs", site.url),))
        (page,) = pages.pages()
        posted = pages.posted(datetime.now(UTC))

    assert (page.answered, page.standing) == (False, None)
    assert says in page.problem
    assert (posted.notices, posted.unanswered) == ((), ("theirs",))


def test_what_hangs_holds_up_nobody_longer_than_the_task_may_last(outside: Outside) -> None:
    outside.weather("auth-production", Weather(Mode.SLOW, seconds=2))
    kept = deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=0.5)))
    try:
        found = platform.status.do(*ports(outside))
    finally:
        deadline.reset(kept)

    assert not found.ok
    assert "login" in (*found.failing, *found.unknown)
    assert found.dependencies[0].alive


def test_an_api_that_refuses_our_token_lives_and_one_that_is_full_does_not() -> None:
    with platform_that() as refusing, platform_that() as full:
        refusing.says = [Says(401, "{}", {"Date": "Tue, 24 Nov 2026 10:00:00 GMT"})]
        full.says = [Says(429, "{}")]
        found = ask_apis(
            (
                Api("vercel", refusing.url, "/v9/projects/x", lambda: "secret-of-vercel"),
                Api("github", full.url, "/repos/o/r", lambda: "secret-of-github"),
            )
        )

    assert [(one.alive, one.failed) for one in found] == [(True, 0), (False, 3)]
    assert "refuses our token or name (answered 401)" in found[0].says
    assert found[0].clock_seconds is not None
    assert found[1].clock_seconds is None
    assert refusing.heard[0][3] == "Bearer secret-of-vercel"
    assert "secret-of" not in str(found)


def test_a_stranger_that_is_refused_has_met_a_living_dependency_and_a_refused_key_has_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "key").write_text("secret-of-the-app")
    with platform_that() as site:
        site.says = [Says(401, "{}")]
        (tmp_path / "stack.toml").write_text(
            f'[environments.p.dependencies.open]\nurl = "{site.url}"\n'
            f'[environments.p.dependencies.keyed]\nurl = "{site.url}"\ntoken = "file:key"\n'
        )
        found = load_stack(tmp_path / "stack.toml").port("p", Dependencies).seen()

    assert [(one.name, one.alive) for one in found] == [("open", True), ("keyed", False)]


def test_where_nothing_is_named_nothing_is_asked(outside: Outside) -> None:
    at = outside.stack.port
    found = platform.status.do(
        at("bare", StatusPages), at("bare", PlatformApis), at("bare", AuthState),
        at("bare", Dependencies),
    )  # fmt: skip

    assert (found.ok, found.seen, found.login) == (True, (), None)
    assert "names no platform" in found.says


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('dependencies.p]\nurl = "ftp://x"', 2, "http"),
        ('dependencies.p]\nurl = "https://x.example"\nprobe = "v1"', 3, "one /"),
        ('dependencies.p]\nurl = "https://x.example"\ntimeout = "2m"', 1, "up to 20 s"),
        ('dependencies.p]\nurl = "https://x.example"\nswitched_off = "0"', 1, "no switch"),
        ('status_pages.p]\nurl = "env:PAGE"', 2, "not a secret"),
        (f'{AUTH}user = "a@b.example"', 1, "half a test user"),
        (f'{AUTH}user = "a"\npassword = "plain"', 5, "env:NAME"),
    ],
)  # fmt: skip
def test_a_wrong_section_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    (tmp_path / "stack.toml").write_text(f"[environments.production.{text}\n")

    with pytest.raises(SettingsInvalid) as caught:
        load_stack(tmp_path / "stack.toml")

    told = f"{caught.value} {caught.value.hint}"
    assert f"stack.toml:{line}: " in told
    assert says in told


def test_the_pages_of_the_platforms_themselves_are_known_and_may_be_named_otherwise(
    tmp_path: Path,
) -> None:
    (tmp_path / "stack.toml").write_text(
        '[environments.p.repository]\nprovider = "github"\nrepository = "o/r"\nbranch = "main"\n'
        'token = "env:T"\n[environments.p.app]\nprovider = "vercel"\nproject = "p"\n'
        'token = "env:T"\nurl = "https://x.example"\n'
        '[environments.p.status_pages.github]\nurl = "https://us.githubstatus.com"\n'
    )
    pages = load_stack(tmp_path / "stack.toml").port("p", StatusPages)

    assert isinstance(pages, StatuspagePages)
    assert [(one.name, one.url) for one in pages._pages] == [
        ("vercel", "https://www.vercel-status.com"),
        ("github", "https://us.githubstatus.com"),
    ]


def test_an_operator_of_the_range_posts_an_incident_and_ends_it(outside: Outside) -> None:
    folder = outside.cloud.range
    (folder / practice.MARK).touch()
    pages = outside.stack.port("production", StatusPages)

    practice.announce(folder, "supabase", "Logins fail", components=("auth",), impact="major")
    during = pages.pages()[1]
    ended = practice.end_announced(folder, "supabase")

    assert (during.standing, during.notices[0].name) == (Standing.PARTIAL, "Logins fail")
    assert (ended, pages.pages()[1].standing) == (1, Standing.OPERATIONAL)
    with pytest.raises(Refused, match="no component 'Mail'"):
        practice.announce(folder, "supabase", "x", components=("Mail",), impact="major")
    with pytest.raises(NotFound, match="no page 'mail'"):
        practice.announce(folder, "mail", "x", components=(), impact="major")


@pytest.mark.parametrize(
    ("failures", "alive", "asked"), [(0, True, 3), (1, True, 6), (2, False, 6), (3, False, 3)]
)
def test_one_failure_of_six_is_chance_and_two_are_not(
    tmp_path: Path, failures: int, alive: bool, asked: int
) -> None:
    with platform_that() as site:
        site.says = [*[Says(500, "{}")] * failures, *[Says(200, "{}")] * (7 - failures)]
        (tmp_path / "stack.toml").write_text(
            f'[environments.p.dependencies.mail]\nurl = "{site.url}"\n'
        )
        (seen,) = load_stack(tmp_path / "stack.toml").port("p", Dependencies).seen()

    assert (seen.alive, seen.asked, seen.failed) == (alive, asked, failures)
    assert ("answered 500" in seen.says) is (failures > 0)
