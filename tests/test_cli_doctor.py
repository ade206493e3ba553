"""The doctor: each fault is found, named, and mended by what it says; and no secret is told."""

from __future__ import annotations

import json
import os
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from rag.chat import ChatDelta
from rag.cli import doctor
from rag.cli.doctor import CHECKS, Finding, examine
from rag.cli.session import Doors
from rag.errors import ChatTimeoutError, ModelError
from rag.keys import Keyring
from rag.privacy import without_secrets
from rag.reader import Reading
from rag.schema import Candidate
from rag.settings import Settings
from tests.cli_fakes import ScriptedRag, run
from tests.keyring_fakes import Drawer
from tests.llm_server import MODEL, Act, Wire, html, llm_server, saying, silence

FINE = Finding(state="ok", message="fine")
WORN = Finding(state="warn", message="worn\x1b", remedy="Oil\nit.")
BROKEN = Finding(state="fail", message="broken", remedy="Buy another.")


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this machine's rag.toml out of the tests."""
    monkeypatch.chdir(tmp_path)


def doors(*findings: Finding) -> Doors:
    """Return doors to a doctor that finds these."""
    checks = {f"Part {number}": lambda _, each=each: each for number, each in enumerate(findings)}
    return Doors(
        examine=lambda settings, *, environ: examine(settings, environ=environ, checks=checks)
    )


def found(check: doctor.DoctorCheck, **values: object) -> tuple[str, str]:
    """Return state and message of one check."""
    finding = check(Settings(**values))
    assert (finding.state == "ok") == (not finding.remedy), "what is wrong has a remedy"
    return finding.state, finding.message


def test_each_finding_is_a_line_with_its_remedy() -> None:
    """State, part, what there is, and how to mend it; a warning does not fail."""
    outcome = run("doctor", doors=doors(FINE, WORN))
    assert "ok   Part 0: fine\nwarn Part 1: worn␛\n     To mend it: Oil␊it.\n" == outcome.out
    assert (0, "") == (outcome.code, outcome.err)


def test_a_fault_is_exit_code_1() -> None:
    """One part that cannot work is a failure; the others are still told."""
    outcome = run("doctor", doors=doors(BROKEN, FINE))
    assert 1 == outcome.code
    assert "ok   Part 1: fine" in outcome.out


def test_json_holds_every_finding() -> None:
    """One object, the same exit code."""
    outcome = run("doctor", "--json", doors=doors(FINE, BROKEN))
    assert ["ok", "fail"] == [each["state"] for each in json.loads(outcome.out)["findings"]]
    assert 1 == outcome.code


@pytest.mark.parametrize("error", [ModelError("No weights. Get some."), ImportError("libx.so")])
def test_a_check_that_breaks_is_a_finding(error: Exception) -> None:
    """Whatever is wrong with a part, the rest is examined."""

    def check(_: Settings) -> Finding:
        raise error

    findings = list(examine(Settings(), environ={}, checks={"A": check, "B": lambda _: FINE}))
    assert ["fail", "ok"] == [each.state for each in findings]
    assert str(error) in findings[0].message


def test_secrets_are_left_out() -> None:
    """Keys of the environment and logins in URLs do not appear, whatever a check says."""
    environ = {"OPENAI_API_KEY": "sk-12345678", "OTHER_TOKEN": "sk-12345678-long", "A_KEY": "on"}
    said = "sk-12345678-long and sk-12345678 on http://me:pass@host/v1"
    assert "*** and *** on http://***@host/v1" == without_secrets(said, environ)
    assert "cut off: ***…" == without_secrets("cut off: sk-12345…", environ)
    broken = Finding(state="fail", message=said, remedy=said)
    (finding,) = examine(Settings(), environ=environ, checks={"A": lambda _: broken})
    assert "sk-" not in finding.message + finding.remedy


def test_documents_are_looked_for(tmp_path: Path) -> None:
    """A missing or empty folder is told with where to put documents; a full one is counted."""
    folder = tmp_path / "docs"
    assert ("warn", f"{folder} is no folder") == found(doctor.check_documents, seeds_dir=folder)
    folder.mkdir()
    assert ("warn", f"{folder} is empty") == found(doctor.check_documents, seeds_dir=folder)
    (folder / "deep").mkdir()
    (folder / "deep" / "a.txt").touch()
    assert ("ok", f"1 file in {folder}") == found(doctor.check_documents, seeds_dir=folder)


@pytest.mark.parametrize(("free", "state"), [(10**6, "fail"), (10**8, "warn"), (10**10, "ok")])
def test_little_space_is_told(
    free: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk of the index is looked at, also before its folder exists."""
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(free))
    assert state == found(doctor.check_disk, index_dir=tmp_path / "a" / "b")[0]


def test_packages_are_compared_with_what_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing and unfit packages are named; those of other platforms and extras are not."""
    version = metadata.version("pytest")
    required = [
        "no-such-package>=1",
        "pytest<1",
        "pytest>=1",
        'also-missing; extra == "openai"',
        'not-here; sys_platform == "other"',
    ]
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: required)
    state, message = found(doctor.check_packages)
    assert "fail" == state
    assert f"no-such-package is missing; pytest is {version}, wanted <1" == message


def test_a_folder_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an installation nobody knows what is required."""

    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "requires", requires)
    assert "warn" == found(doctor.check_packages)[0]


def test_this_python_and_the_tokenizer_work() -> None:
    """What this test runs on passes."""
    assert "ok" == found(CHECKS["Python"])[0]
    assert "ok" == found(CHECKS["Tokenizer"])[0]


def test_an_old_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that nothing is promised for is a warning."""
    monkeypatch.setattr(doctor.sys, "version_info", (3, 14, 0))
    assert "warn" == found(CHECKS["Python"])[0]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_documents_that_may_not_be_read_are_told(tmp_path: Path) -> None:
    """A folder without permission fails."""
    tmp_path.chmod(0)
    assert "fail" == found(doctor.check_documents, seeds_dir=tmp_path)[0]


class FixedEncoder:
    """Gives the vectors it is told to give: at these angles, in degrees."""

    name = "fixed"
    dimension = 2

    def __init__(self, *degrees: float) -> None:
        angles = np.radians(degrees)
        self._rows = np.column_stack([np.cos(angles), np.sin(angles)])

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Give them."""
        assert len(texts) == len(self._rows)
        return self._rows


class SureReader:
    """As sure as it is told to be."""

    name = "sure"

    def __init__(self, probability: float) -> None:
        self._probability = probability

    def read(self, _: str, candidates: Sequence[Candidate]) -> tuple[Reading, ...]:
        """Read the first sentence."""
        sentence = candidates[0].sentences[0]
        return (
            Reading(
                candidate=0,
                start=sentence.start,
                end=sentence.end,
                text=sentence.text,
                probability=self._probability,
            ),
        )


@pytest.mark.parametrize(
    ("degrees", "state"),
    [
        ((0, 30, 80), "ok"),
        ((0, 0, 0), "fail"),
        ((0, 80, 30), "fail"),
        ((0, float("nan"), 80), "fail"),
    ],
)
def test_an_encoder_that_tells_nothing_apart_is_told(
    degrees: tuple[float, ...], state: str
) -> None:
    """Vectors that mean nothing are a failure, though they load."""
    assert state == doctor.try_encoder(FixedEncoder(*degrees)).state


@pytest.mark.parametrize(("probability", "state"), [(0.9, "ok"), (float("nan"), "fail")])
def test_a_reader_without_probabilities_is_told(probability: float, state: str) -> None:
    """A reader that loads and makes no sense is a failure."""
    assert state == doctor.try_reader(SureReader(probability)).state


@pytest.mark.parametrize(
    ("scores", "state"),
    [((0.9, 0.1), "ok"), ((0.1, 0.9), "fail"), ((0.5, 0.5), "fail"), ((float("nan"), 0.1), "fail")],
)
def test_a_support_model_that_tells_nothing_is_told(
    scores: tuple[float, float], state: str
) -> None:
    """Scores by which a sentence supports no better than another one are a failure."""
    assert state == doctor.try_support("fixed", lambda *_: scores).state


class Talker:
    """A chat model that says what it is told to say."""

    name = "talker:1"

    def __init__(self, reply: str | Exception) -> None:
        self._reply = reply

    cites = False

    def stream(self, *_: object) -> Iterator[ChatDelta]:
        """Say it."""
        if isinstance(self._reply, Exception):
            raise self._reply
        yield ChatDelta(text=self._reply, finish="stop")


def test_a_language_model_is_tried() -> None:
    """One that replies passes, an empty reply is a warning, and what fails is said in our words."""
    assert "ok" == doctor.try_model(Talker("ready")).state
    assert "warn" == doctor.try_model(Talker(" ")).state
    broken = Talker(ChatTimeoutError("No answer from talker:1."))
    (finding,) = examine(
        Settings(), environ={}, checks={"Model": lambda _: doctor.try_model(broken)}
    )
    assert ("fail", "No answer from talker:1.") == (finding.state, finding.message)


def test_no_language_model_is_fine() -> None:
    """None is needed."""
    assert "ok" == found(doctor.check_model, llm="")[0]


@pytest.mark.parametrize(
    ("llm", "said"),
    [
        ("nonsense", "provider:model"),
        ("openai:m,openai:m", "twice"),
        ("nobody:m", "not known"),
        ("huggingface:/none", "no model in"),
        ("groq:m", "pip install langchain-groq"),
        ("openai:m", "set OPENAI_API_KEY"),
        ("anthropic:m", "set ANTHROPIC_API_KEY"),
    ],
)
def test_a_model_that_cannot_be_set_up_is_told(
    llm: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name, a package, a folder or a key that is missing is a failure with what to do."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    (finding,) = examine(Settings(llm=llm), environ={}, checks={"Model": doctor.check_model})
    assert "fail" == finding.state
    assert said in finding.message


@pytest.mark.parametrize("protocol", ["openai", "anthropic", "ollama"])
@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda wire: wire.error("401 Unauthorized"), "its key is wrong"),
        (lambda wire: wire.error("404 Not Found"), "Check the model's name (RAG_LLM)"),
        (None, "Check that its server runs"),
        (html, "Check that its server speaks"),
        (silence, "did not answer in time"),
    ],
    ids=["wrong key", "no such model", "no server", "no model server", "silent"],
)
def test_what_a_server_does_wrong_is_told(
    protocol: str, act: Act | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real client is tried once, and within its limit a sentence says what to look at."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-none")
    monkeypatch.setattr(doctor, "_PATIENCE", 1.0 if act is silence else 10.0)
    with llm_server(protocol, act or html) as server:
        if act is None:
            server.close()
        settings = Settings(llm=MODEL[protocol], llm_base_url=server.url)
        (finding,) = examine(settings, environ={}, checks={"Model": doctor.check_model})
    assert "fail" == finding.state
    assert said in finding.message
    assert MODEL[protocol] in finding.message


def test_each_of_several_models_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails hides none of the others, and each is tried where it is asked, once, with few words."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with (
        llm_server("openai", saying("ready")) as here,
        llm_server("ollama", saying("ready")) as there,
    ):
        llm = f"openai:m,anthropic:m,ollama:m@{there.url}"
        settings = Settings(llm=llm, llm_base_url=here.url)
        checks = doctor.checks_for(settings)
        names = [name for name in checks if name.startswith("Language model")]
        findings = list(
            examine(settings, environ={}, checks={name: checks[name] for name in names})
        )
    assert ["ok", "fail", "ok"] == [each.state for each in findings]
    assert [f"Language model {name}:m" for name in ("openai", "anthropic", "ollama")] == names
    assert [1, 1] == [len(server.asked) for server in (here, there)]
    assert len(json.dumps(here.asked[0].body)) < 300


@pytest.mark.parametrize(
    ("keyring", "said"),
    [
        (Keyring(None, "the package keyring is not installed"), "none, the package keyring is not"),
        (Keyring(Drawer()), "Drawer; it keeps no key of the models"),
        (
            Keyring(Drawer({"openai@http://127.0.0.1:1/v1": "sk-kept-1"})),
            "it keeps the key of openai:m;",
        ),
    ],
)
def test_the_keyring_is_named(keyring: Keyring, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the models whose keys it keeps, and no key."""
    monkeypatch.setattr(doctor, "system_keyring", lambda: keyring)
    settings = Settings(llm="openai:m", llm_base_url="http://127.0.0.1:1/v1")
    (finding,) = examine(settings, environ={}, checks={"Keyring": CHECKS["Keyring"]})
    assert "ok" == finding.state
    assert said in finding.message
    assert "sk-kept" not in finding.message


def test_a_kept_key_is_sent_and_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the server says it."""

    def echo(wire: Wire) -> None:
        body = {"error": {"message": f"Wrong key: {wire.asked.head}"}}
        wire.whole("401 Unauthorized", "application/json", json.dumps(body).encode())

    with llm_server("openai", echo) as server:
        drawer = Drawer({f"openai@{server.url}": "sk-kept-1"})
        monkeypatch.setattr(doctor, "system_keyring", lambda: Keyring(drawer))
        settings = Settings(llm="openai:m", llm_base_url=server.url)
        (finding,) = examine(settings, environ={}, checks={"Model": doctor.check_model})
    assert "Bearer sk-kept-1" in server.asked[0].head
    assert "sk-kept" not in finding.message


@pytest.mark.parametrize("llm", ["", "openai:m", "nonsense", "openai:m,openai:m"])
def test_without_several_models_there_is_one_check(llm: str) -> None:
    """Also where the setting is wrong: the check says so."""
    assert list(CHECKS) == list(doctor.checks_for(Settings(llm=llm)))


@pytest.mark.parametrize("make", [lambda _: None, Path.mkdir])
def test_no_index_yet_is_told(make: Callable[[Path], None], tmp_path: Path) -> None:
    """Before the first sync there is nothing to examine, and nothing is made."""
    folder = tmp_path / "index"
    make(folder)
    before = list(tmp_path.rglob("*"))
    state, message = found(doctor.check_index, index_dir=folder)
    assert ("warn", f"nothing is indexed in {folder}") == (state, message)
    assert before == list(tmp_path.rglob("*"))


def test_every_source_of_an_index_is_read(tmp_path: Path) -> None:
    """A damaged source is found though no question touched it; a sound index is counted."""
    rag = ScriptedRag(settings=Settings(index_dir=tmp_path))
    message = f"1 source and 1 passage in {tmp_path}, state 7"
    assert Finding(state="ok", message=message) == doctor.try_index(rag)
    assert [("source", "news/article.txt"), ("search", "A trial.", 1, None)] == rag.calls
    empty = ScriptedRag(settings=Settings(index_dir=tmp_path), known=())
    assert "warn" == doctor.try_index(empty).state


@pytest.mark.model
def test_what_is_shipped_passes() -> None:
    """The encoder and the reader of the package work on this machine."""
    assert ["ok", "ok", "ok"] == [
        found(CHECKS[name])[0] for name in ("Encoder", "Reader", "Verdicts")
    ]


def test_each_setting_says_where_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From an argument, a variable or a file, each with its value, the password without; the others are defaults."""
    monkeypatch.setenv("RAG_TOP_K", "4")
    monkeypatch.setenv("RAG_PASSWORD", "canary-0123456789")
    mine = tmp_path / "mine.toml"
    mine.write_text("strictness = 0.2", encoding="utf-8")
    state, message = found(doctor.check_settings, config=mine, llm="ollama:m")

    assert "ok" == state
    for said in (
        "llm 'ollama:m' from an argument",
        "top_k 4 from RAG_TOP_K",
        f"strictness 0.2 from {mine}",
        "password (set) from RAG_PASSWORD",
        "by default: seeds_dir seeds",
    ):
        assert said in message
    assert "canary" not in message


def test_settings_that_are_left_out_are_told(tmp_path: Path) -> None:
    """A rag.toml here that is not trusted is a warning, with how to trust it."""
    (tmp_path / "rag.toml").write_text("top_k = 3", encoding="utf-8")
    finding = doctor.check_settings(Settings())

    assert "warn" == finding.state
    assert str(tmp_path / "rag.toml") in finding.message
    assert "rag trust" in finding.remedy


@pytest.mark.parametrize(
    ("kind", "limits", "state", "said"),
    [
        ("flock", True, "ok", "one writer at a time by flock"),
        ("lock file", True, "ok", "a file beside the index"),
        ("Windows", False, "warn", "no limit on the memory of parsers"),
        ("none", True, "fail", "supports no locks"),
    ],
)
def test_what_a_system_does_not_support_is_told(
    kind: str,
    limits: bool,
    state: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Locks of the index's disk and limits on parsers: what lacks is said, with what to do."""
    monkeypatch.setattr("rag.index.lock.lock_kind", lambda _: kind)
    monkeypatch.setattr("rag.sources.worker.limits_supported", lambda: limits)
    found_state, message = found(doctor.check_system, index_dir=tmp_path / "index")

    assert state == found_state
    assert said in message


def test_this_system_is_tried_without_a_trace(tmp_path: Path) -> None:
    """The lock is really taken, and nothing is left behind."""
    state, message = found(doctor.check_system, index_dir=tmp_path / "index")

    assert "one writer at a time" in message
    assert state in {"ok", "warn"}
    assert [] == list(tmp_path.iterdir())


def test_what_reads_scans_is_told(monkeypatch):
    """Whether Tesseract is there, in which languages, or what installs it."""
    from rag.sources import ocr

    monkeypatch.setattr(ocr, "installed_languages", lambda: ("deu", "eng"))
    assert ("ok", True) == ((known := found(CHECKS["Scans"]))[0], "deu+eng" in known[1])
    assert "ok" == found(CHECKS["Scans"], ocr="off")[0]
    assert "warn" == found(CHECKS["Scans"], ocr="fra")[0]
    monkeypatch.setattr(ocr, "installed_languages", lambda: ())
    assert "warn" == found(CHECKS["Scans"])[0]
    assert "tesseract-ocr-fra" in ocr.install_command("fra") or "apt" not in ocr.install_command()
