"""Passwords, tokens, and where default passwords may be used (api.md, "Authentication")."""

import asyncio
import re
import threading

import argon2
import jwt
import pytest

from elasticjob_cloud.api.access.auth import Authenticator, Principal
from elasticjob_cloud.api.access.users import AuthSettings, Role, User, check_exposure
from elasticjob_cloud.model.errors import StartError, TooManyAttemptsError, UnauthorizedError
from elasticjob_cloud.settings.scheduler import SchedulerSettings

SECRET = bytes(range(32))
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASHED = AuthSettings(
    users=(User("root", CHEAP.hash("secret", salt=bytes(16)), Role.ADMIN), User("guest", "look", Role.GUEST)),
    token_seconds=60,
)


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_795_000_000.0

    def __call__(self) -> float:
        return self.seconds


def authenticator(
    settings: AuthSettings = HASHED,
    clock: Clock | None = None,
    secret: bytes = SECRET,
    late_check_seconds: float = 0.0,
) -> Authenticator:
    clock = clock or Clock()
    return Authenticator(
        settings, secret, wall_seconds=clock, monotonic_seconds=clock, late_check_seconds=late_check_seconds
    )


def login(checker: Authenticator, username: str, password: str, address: str = "127.0.0.1") -> str:
    return asyncio.run(checker.login(username, password, address))


def headers(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"localhost"), (b"accesstoken", token.encode())]


@pytest.mark.parametrize(
    "username, password, role", [("root", "secret", Role.ADMIN), ("guest", "look", Role.GUEST)]
)
def test_right_password_gives_a_token_for_user_and_role(username: str, password: str, role: Role) -> None:
    checker = authenticator()
    token = login(checker, username, password)
    assert checker.identify(headers(token)) == Principal(username, role)
    claims = jwt.decode(token, SECRET, ["HS256"], options={"verify_exp": False})
    assert (claims["sub"], claims["role"]) == (username, role.value)
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize(
    "username, password",
    [
        ("root", "look"),
        ("root", ""),
        ("guest", "secret"),
        ("guest", ""),
        ("nobody", "secret"),
        ("nobody", ""),
        ("", ""),
        ("ROOT", "secret"),
        pytest.param("root", HASHED.users[0].password, id="the hash itself"),
    ],
)
def test_wrong_password_and_unknown_user_are_not_told_apart(username: str, password: str) -> None:
    with pytest.raises(UnauthorizedError, match=r"^Unauthorized\.$"):
        login(authenticator(), username, password)


def test_every_login_costs_one_hash_check_whoever_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, hash: str, password: str) -> bool:  # noqa: A002 - argon2's name
        checks.append(password)
        return verify(self, hash, password)

    checker = authenticator()
    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    for username, password in (
        ("root", "secret"),
        ("root", "x"),
        ("guest", "look"),
        ("guest", "x"),
        ("nobody", "x"),
    ):
        try:
            login(checker, username, password)
        except UnauthorizedError:
            assert password == "x"
    assert len(checks) == 5


def test_token_may_come_in_either_header() -> None:
    checker = authenticator()
    token = login(checker, "root", "secret").encode()
    for name, value in (
        (b"accesstoken", token),
        (b"accesstoken", b" " + token + b" "),
        (b"authorization", b"Bearer " + token),
        (b"authorization", b"bearer   " + token),
    ):
        assert checker.identify([(name, value)]).username == "root"


def test_token_ends_when_its_time_is_over() -> None:
    clock = Clock()
    checker = authenticator(clock=clock)
    token = login(checker, "root", "secret")
    clock.seconds += 59
    assert checker.identify(headers(token)).username == "root"
    clock.seconds += 1
    with pytest.raises(UnauthorizedError):
        checker.identify(headers(token))


def test_token_outlives_a_restart_and_a_change_of_leader() -> None:
    token = login(authenticator(), "root", "secret")
    assert authenticator().identify(headers(token)).username == "root"


def test_token_ends_with_the_password_the_user_the_role_or_the_key() -> None:
    token = login(authenticator(), "guest", "look")
    for users in (
        (User("guest", "changed", Role.GUEST),),
        (User("guest", "look", Role.ADMIN),),
        (User("other", "look", Role.GUEST),),
    ):
        with pytest.raises(UnauthorizedError):
            authenticator(AuthSettings(users=users)).identify(headers(token))
    with pytest.raises(UnauthorizedError):
        authenticator(secret=bytes(32)).identify(headers(token))


def forged(**changes: object) -> str:
    token = login(authenticator(), "root", "secret")
    claims = jwt.decode(token, SECRET, ["HS256"], options={"verify_exp": False})
    return jwt.encode({**claims, **changes}, bytes(32), "HS256")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "\u00e9",
        forged(),
        forged(role="admin"),
        jwt.encode({"sub": "root", "role": "admin", "exp": 9e9, "pwd": ""}, None, "none"),
        jwt.encode({"sub": "root", "role": "admin", "exp": 9e9, "pwd": ""}, SECRET, "HS256"),
        jwt.encode({"sub": "root", "role": "admin", "exp": "x", "pwd": ""}, SECRET, "HS256"),
        jwt.encode({"sub": "root"}, SECRET, "HS256"),
        pytest.param("x" * 100_000, id="long"),
    ],
)
def test_no_other_token_is_taken(token: str) -> None:
    for name, value in ((b"accesstoken", token.encode()), (b"authorization", b"Bearer " + token.encode())):
        with pytest.raises(UnauthorizedError):
            authenticator().identify([(name, value)])


def test_request_without_a_token_is_nobodys() -> None:
    for given in ([], [(b"authorization", b"Basic cm9vdDpzZWNyZXQ=")], [(b"authorization", b"")]):
        with pytest.raises(UnauthorizedError):
            authenticator().identify(given)


@pytest.mark.parametrize("username, password", [("guest", "look"), ("root", "secret")])
def test_right_password_gets_through_however_many_failed(username: str, password: str) -> None:
    checker = authenticator()
    for _ in range(5):
        with pytest.raises(UnauthorizedError):
            login(checker, username, "wrong")
    for name in (username, *(f"user {number}" for number in range(50)), username):
        with pytest.raises((UnauthorizedError, TooManyAttemptsError)):
            login(checker, name, "wrong")
    with pytest.raises(TooManyAttemptsError) as caught:
        login(checker, username, "wrong")
    assert caught.value.retry_after_seconds == 60
    assert login(checker, username, password)


def test_unknown_user_is_refused_after_too_many_failures_as_a_known_one_is() -> None:
    checker = authenticator()
    messages = set()
    for name in ("nobody", "root"):
        for _ in range(5):
            with pytest.raises(UnauthorizedError):
                login(checker, name, "wrong")
        with pytest.raises(TooManyAttemptsError) as caught:
            login(checker, name, "wrong")
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_guesses_after_too_many_failures_take_turns() -> None:
    checker = authenticator(late_check_seconds=0.05)

    async def attack() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        attempts = [checker.login("guest", f"guess {number}", "127.0.0.1") for number in range(25)]
        await asyncio.gather(*attempts, return_exceptions=True)
        return loop.time() - began

    assert asyncio.run(attack()) >= 20 * 0.05 * 0.9


def test_attempts_at_the_same_time_count_too() -> None:
    checker = authenticator()

    async def attack() -> list[BaseException | str]:
        attempts = [checker.login("root", f"guess {number}", "127.0.0.1") for number in range(50)]
        return await asyncio.gather(*attempts, return_exceptions=True)

    outcomes = asyncio.run(attack())
    assert sum(isinstance(outcome, UnauthorizedError) for outcome in outcomes) == 5
    assert sum(isinstance(outcome, TooManyAttemptsError) for outcome in outcomes) == 45


def test_who_was_refused_is_in_the_log_and_too_many_attempts_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    checker = authenticator(clock=clock)
    for _ in range(20):
        with pytest.raises((UnauthorizedError, TooManyAttemptsError)):
            login(checker, "root\nforged line " + "x" * 1000, "wrong", "10.0.0.9")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 6
    assert all("'root\\nforged line x" in line and "10.0.0.9" in line and len(line) < 200 for line in lines)
    assert "too many have failed" in lines[5]
    clock.seconds += 60
    for _ in range(6):
        with pytest.raises((UnauthorizedError, TooManyAttemptsError)):
            login(checker, "root", "wrong", "10.0.0.9")
    assert sum("too many have failed" in record.getMessage() for record in caplog.records) == 2


def test_attempts_of_strangers_do_not_hold_up_another_callers_one(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    verify = argon2.PasswordHasher.verify

    def noted(self: argon2.PasswordHasher, hash: str, password: str) -> bool:  # noqa: A002 - argon2's name
        order.append(password)
        return verify(self, hash, password)

    async def attack(checker: Authenticator) -> str:
        strangers = [
            asyncio.create_task(checker.login(f"user {number}", "guess", "10.0.0.9")) for number in range(30)
        ]
        await asyncio.sleep(0)
        token = await checker.login("root", "secret", "127.0.0.1")
        await asyncio.gather(*strangers, return_exceptions=True)
        return token

    checker = authenticator()
    monkeypatch.setattr(argon2.PasswordHasher, "verify", noted)
    assert asyncio.run(attack(checker))
    assert len(order) == 31
    assert order.index("secret") < 6


def test_two_users_of_one_name_keep_the_server_from_starting() -> None:
    users = (User("root", "one", Role.ADMIN), User("root", "two", Role.GUEST))
    with pytest.raises(StartError, match="same user name"):
        authenticator(AuthSettings(users=users))


def test_hash_check_runs_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []
    verify = argon2.PasswordHasher.verify

    def noted(self: argon2.PasswordHasher, hash: str, password: str) -> bool:  # noqa: A002 - argon2's name
        threads.append(threading.current_thread())
        return verify(self, hash, password)

    checker = authenticator()
    monkeypatch.setattr(argon2.PasswordHasher, "verify", noted)
    login(checker, "root", "secret")
    assert threads
    assert threading.current_thread() not in threads


def test_tokens_that_are_remembered_are_bounded_and_still_end() -> None:
    clock = Clock()
    plain = AuthSettings(users=(User("guest", "look", Role.GUEST),), token_seconds=60)
    checker = authenticator(plain, clock=clock)
    for _ in range(1_100):
        clock.seconds += 1
        checker.identify(headers(login(checker, "guest", "look")))
    assert len(checker._accepted) <= 1_000
    last = login(checker, "guest", "look")
    assert checker.identify(headers(last)).role is Role.GUEST
    clock.seconds += 60
    with pytest.raises(UnauthorizedError):
        checker.identify(headers(last))


def test_short_key_and_broken_hash_keep_the_server_from_starting() -> None:
    with pytest.raises(StartError, match="32 bytes"):
        authenticator(secret=bytes(31))
    with pytest.raises(StartError, match="password hash of root"):
        authenticator(AuthSettings(users=(User("root", "$argon2id$v=19$broken", Role.ADMIN),)))


OWN = AuthSettings(users=(User("root", "own", Role.ADMIN), User("guest", "also own", Role.GUEST)))
LOOPBACK = ["127.0.0.1", "127.8.9.10", "localhost", "::1", "[::1]"]
EXPOSED = [
    "0.0.0.0",
    "::",
    "192.168.1.5",
    "10.0.0.1",
    "example.com",
    "localhost.evil.org",
    "",
    "127.0.0.1.evil.org",
]


@pytest.mark.parametrize("host", LOOPBACK)
@pytest.mark.parametrize("settings", [AuthSettings(), AuthSettings(no_auth=True), OWN])
def test_on_loopback_everything_goes(host: str, settings: AuthSettings) -> None:
    check_exposure(host, settings)


@pytest.mark.parametrize("host", EXPOSED)
def test_others_are_let_in_with_passwords_of_ones_own_only(host: str) -> None:
    check_exposure(host, OWN)
    admin, guest = (f"{role}_password (ELASTICJOB_{role.upper()}_PASSWORD)" for role in ("admin", "guest"))
    with pytest.raises(StartError, match=re.escape(f"set {admin} and {guest}, or listen on 127.0.0.1.")):
        check_exposure(host, AuthSettings())
    with pytest.raises(StartError, match=re.escape(f"set {guest}, or")):
        check_exposure(host, AuthSettings(users=(OWN.users[0], AuthSettings().users[1])))
    with pytest.raises(StartError, match="no_auth serves on loopback only"):
        check_exposure(host, AuthSettings(users=OWN.users, no_auth=True))


def test_default_password_is_known_even_as_a_hash() -> None:
    with pytest.raises(StartError, match=r"set admin_password \(ELASTICJOB_ADMIN_PASSWORD\), or"):
        check_exposure("0.0.0.0", AuthSettings(users=(User("root", CHEAP.hash("pwd"), Role.ADMIN),)))


def test_users_come_from_the_schedulers_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELASTICJOB_ADMIN_PASSWORD", "own")
    monkeypatch.setenv("ELASTICJOB_TOKEN_HOURS", "2")
    settings = AuthSettings.of(SchedulerSettings())
    assert settings.users == (User("root", "own", Role.ADMIN), User("guest", "guest", Role.GUEST))
    assert settings.token_seconds == 7200
    assert [user.has_default_password for user in settings.users] == [False, True]
