"""One rule whom TLS connections trust: the system's authorities, and those of `ca_file`; for everything that makes them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.agent.apps import AppLimits
from elasticjob_cloud.agent.process.start.environment import base_environment
from elasticjob_cloud.cli.main import main
from elasticjob_cloud.model.errors import AppUnavailableError, CallerError, StartError
from elasticjob_cloud.model.trust import trusted_context
from elasticjob_cloud.server.engines import agent_settings
from elasticjob_cloud.settings.scheduler import SchedulerSettings
from elasticjob_cloud.settings.sources import load_settings
from tests.integration.apps.app_caches import cache_in, text_of
from tests.integration.apps.app_servers import HttpAppServer
from tests.integration.sdk.notification_servers import make_certificate
from tests.threaded_server import served

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        shutil.which("openssl") is None,
        reason="skipped without openssl, which makes the certificate: apt-get install openssl",
    ),
]
VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "ELASTICJOB_CA_FILE")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        # Set first, so that what `--ca-file` sets is undone too.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    (tmp_path / "ca").mkdir()
    return make_certificate(tmp_path / "ca")[0]


@pytest.fixture
def secure_server(tmp_path: Path, certificate: Path) -> Iterator[HttpAppServer]:
    del certificate
    server = HttpAppServer()
    context = make_certificate(tmp_path / "ca")[1]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with served(server):
        yield server
        server.released.set()


def url_of(server: HttpAppServer, path: str) -> str:
    return f"https://127.0.0.1:{server.server_port}{path}"


def by_variable(name: str) -> Callable[[pytest.MonkeyPatch, Path], AppLimits]:
    def trust(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> AppLimits:
        monkeypatch.setenv(name, str(certificate))
        return AppLimits()

    return trust


WAYS = [
    by_variable("SSL_CERT_FILE"),
    by_variable("ELASTICJOB_CA_FILE"),
    lambda _, certificate: AppLimits(ca_file=str(certificate)),
]


@pytest.mark.parametrize("way", WAYS, ids=["SSL_CERT_FILE", "ELASTICJOB_CA_FILE", "setting"])
async def test_download_trusts_a_company_authority(
    tmp_path: Path,
    secure_server: HttpAppServer,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[[pytest.MonkeyPatch, Path], AppLimits],
) -> None:
    secure_server.serve_body("/run.sh", b"one")
    limits = way(monkeypatch, tmp_path / "ca" / "certificate.pem")
    async with cache_in(tmp_path / "cache", limits) as cache:
        assert (
            text_of(await cache.prepare("app", url_of(secure_server, "/run.sh"), cache=True), "run.sh")
            == "one"
        )


async def test_download_from_a_stranger_is_refused_and_says_what_to_do(
    tmp_path: Path, secure_server: HttpAppServer
) -> None:
    async with cache_in(tmp_path / "cache") as cache:
        with pytest.raises(AppUnavailableError, match=r"certificate is not trusted.*--ca-file"):
            await cache.prepare("app", url_of(secure_server, "/run.sh"), cache=True)


async def test_authority_that_is_missing_on_a_node_is_told_where_it_is_needed(
    tmp_path: Path, app_server: HttpAppServer
) -> None:
    app_server.serve_body("/run.sh", b"one")
    limits = AppLimits(ca_file=str(tmp_path / "none.pem"), revalidate_seconds=0.0)
    async with cache_in(tmp_path / "cache", limits) as cache:
        await cache.prepare("app", app_server.url("/run.sh"), cache=True)
        with pytest.raises(AppUnavailableError, match=r"none\.pem cannot be read: No such file"):
            await cache.prepare("app", "https://127.0.0.1:1/run.sh", cache=True)


@pytest.mark.parametrize("way", ["SSL_CERT_FILE", "ELASTICJOB_CA_FILE", "--ca-file", "none"])
def test_command_line_trusts_a_company_authority_on_loopback_too(
    tmp_path: Path,
    secure_server: HttpAppServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    way: str,
) -> None:
    secure_server.answers["/api/app/list"] = lambda request: request.reply(200, b"[]")
    arguments = ["app", "list", "--json", "--url", url_of(secure_server, "")]
    certificate = str(tmp_path / "ca" / "certificate.pem")
    if way == "--ca-file":
        arguments += [way, certificate]
    elif way != "none":
        monkeypatch.setenv(way, certificate)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    if way == "none":
        assert ended.value.code == 3
        assert "is not trusted" in printed.err
        assert "--ca-file" in printed.err
    else:
        assert (ended.value.code, printed.out.strip()) == (0, "[]")


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "ELASTICJOB_CA_FILE"])
def test_variable_of_the_environment_adds_authorities(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = {str(it) for it in trusted_context().get_ca_certs()}
    monkeypatch.setenv(name, str(certificate))
    added = {str(it) for it in trusted_context().get_ca_certs()} - before
    assert len(added) == 1
    if name == "ELASTICJOB_CA_FILE":
        assert before < {str(it) for it in trusted_context().get_ca_certs()}


def test_setting_reaches_agents_executors_and_scripts(certificate: Path, tmp_path: Path) -> None:
    settings = SchedulerSettings(ca_file=str(certificate), data_dir=tmp_path)
    ca_file = agent_settings(settings).app_limits.ca_file
    assert ca_file == str(certificate)
    assert base_environment("agent", {}, ca_file=ca_file)["ELASTICJOB_CA_FILE"] == str(certificate)
    assert "ELASTICJOB_CA_FILE" not in base_environment("agent", {"ELASTICJOB_CA_FILE": "x"})


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_file_without_certificates_is_refused_at_once(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StartError, match="must be a PEM file of certificates"):
        load_settings({"ca_file": str(path)}, None)
    with pytest.raises(CallerError, match=r"ca\.pem (cannot be read|holds no certificates)"):
        trusted_context(str(path))


def test_file_that_is_replaced_is_read_again(tmp_path: Path, certificate: Path) -> None:
    path = tmp_path / "ca.pem"
    shutil.copy(certificate, path)
    first = trusted_context(str(path))
    assert trusted_context(str(path)) is first
    (tmp_path / "other").mkdir()
    make_certificate(tmp_path / "other")[0].replace(path)
    assert trusted_context(str(path)) is not first
