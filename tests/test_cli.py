"""The commands: what they call, what they print where, and how they end."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rag.cli.session import Doors
from rag.errors import (
    ArgumentError,
    ChatTimeoutError,
    IndexNotFoundError,
    PathNotFoundError,
    QuestionError,
    RagError,
    SettingsError,
    SourceNotFoundError,
)
from rag.schema import FileReport, Reason, Step, SyncReport, Turn
from tests.cli_fakes import (
    ANSWERED,
    CITATION,
    PASSAGE,
    QUOTE,
    SOURCE,
    UNANSWERED,
    Outcome,
    ScriptedRag,
    run,
)


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment, the working folder and the cache of this machine out of the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("RAG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class TestAsk:
    """`rag ask`."""

    def test_prints_the_answer_and_the_words_it_rests_on(self) -> None:
        """The cited answer goes to stdout, how it was made to stderr; the code is 0."""
        outcome = run("ask", "Who came?")
        assert 0 == outcome.code
        assert (
            "Sergei Shoigu came. [1]\n\n"
            f"[1] A visit (news/article.txt), characters 10-45\n    > {QUOTE}\n"
        ) == outcome.out
        assert "(sure, extractive:scripted, 0.25 s)\n" == outcome.err

    @pytest.mark.parametrize("command", ["ask", "search"])
    def test_nothing_to_look_for_is_a_fault_of_usage(self, command: str) -> None:
        """An empty question ends with 2, as README says; seen to fail: it was 1."""
        outcome = run(command, " ")
        assert 2 == outcome.code
        assert "it is empty" in outcome.err

    def test_can_do_without_the_configured_model(self, monkeypatch) -> None:
        """`--model extractive` answers in the words of the sources, whatever RAG_LLM says."""
        monkeypatch.setenv("RAG_LLM", "ollama:small")
        (opening,) = run("ask", "Who came?", "--model", "extractive").opened
        assert "" == opening.settings.llm

    def test_passes_everything_on(self, tmp_path: Path) -> None:
        """Question, history, sources and settings reach the pipeline as given, and it is closed."""
        rag = ScriptedRag()
        history = tmp_path / "talk.json"
        history.write_text('[{"role": "user", "text": "Who came?"}]', encoding="utf-8")
        options = [
            "--source",
            "a.txt",
            "--source",
            "b.txt",
            "--top-k",
            "3",
            "--strictness",
            "0.9",
            "--model",
            "ollama:small",
            "--index",
            "i",
        ]
        outcome = run("ask", "And when?", "--history", str(history), *options, rag=rag)
        turns = (Turn(role="user", text="Who came?"),)
        assert [("stream", "And when?", turns, ("a.txt", "b.txt"))] == rag.calls
        (opening,) = outcome.opened
        settings = opening.settings
        assert (3, 0.9, "ollama:small") == (settings.top_k, settings.strictness, settings.llm)
        assert Path("i") == settings.index_dir
        assert (True, False) == (opening.sync, opening.rebuild)
        assert 1 == rag.n_closed

    @pytest.mark.parametrize(
        ("status", "code"), [("answered", 0), ("likely", 0), ("partial", 0), ("unanswered", 3)]
    )
    def test_exit_code_tells_whether_the_sources_hold_it(self, status: str, code: int) -> None:
        """A part of an answer is an answer; none at all is 3, and goes to stdout as a result."""
        reason = None if status == "answered" else Reason(code="not_supported", message="Why not.")
        rag = ScriptedRag(answers=[replace(ANSWERED, status=status, reason=reason)])
        outcome = run("ask", "Who came?", rag=rag)
        assert code == outcome.code
        assert (status != "answered") == ("Why not." in outcome.out)

    @pytest.mark.parametrize("answer", [ANSWERED, UNANSWERED])
    def test_json_is_the_answer_and_nothing_else(self, answer: object) -> None:
        """One object, the same as `Answer.to_dict()`; not a word on stderr."""
        outcome = run("ask", "Who came?", "--json", rag=ScriptedRag(answers=[answer]))
        assert json.loads(json.dumps(answer.to_dict())) == json.loads(outcome.out)
        assert 1 == outcome.out.count("\n")
        assert "" == outcome.err

    def test_json_stays_ascii_whatever_is_quoted(self) -> None:
        """It reads the same in every encoding, and its text is exact."""
        quote = "Й—\x1b\u202e\x85\x7f"
        answer = replace(ANSWERED, citations=(replace(CITATION, quote=quote),))
        outcome = run("ask", "?", "--json", rag=ScriptedRag(answers=[answer]))
        assert outcome.out.isascii()
        assert not set("\x1b\x7f") & set(outcome.out)
        assert quote == json.loads(outcome.out)["citations"][0]["quote"]

    def test_reads_the_question_from_stdin(self) -> None:
        """`-` stands for what is piped in, without a byte order mark and line ends."""
        rag = ScriptedRag()
        run("ask", "-", stdin="\ufeffWho came?\r\n", rag=rag)
        assert "Who came?" == rag.calls[0][1]

    def test_reads_no_more_of_stdin_than_any_question_has(self) -> None:
        """An endless pipe ends."""
        rag = ScriptedRag()
        run("ask", "-", stdin="x" * 2_000_000, rag=rag)
        assert 1_000_000 == len(rag.calls[0][1])

    def test_bytes_that_are_no_text_reach_the_check_of_questions(self) -> None:
        """Undecodable input does not stop the program on its way to the one check there is."""
        rag = ScriptedRag(answers=[QuestionError("The question is not text.")])
        outcome = run("ask", "-", stdin=b"caf\xe9", rag=rag)
        assert "caf\udce9" == rag.calls[0][1]
        assert (1, "", "The question is not text.\n") == outcome_of(outcome)

    def test_shows_what_was_searched_when_it_was_rewritten(self) -> None:
        """A follow-up's query is told, on stderr."""
        rag = ScriptedRag(answers=[replace(ANSWERED, query="When did\n Shoigu come?")])
        assert run("ask", "When?", rag=rag).err.startswith("Searched for: When did␊ Shoigu come?\n")

    def test_tells_what_was_done_about_bad_citations(self) -> None:
        """Each step of repair is a note."""
        step = Step(code="marker_dropped", detail="[99] names no evidence")
        answer = replace(ANSWERED, steps=(step,), usage={"prompt": 900, "completion": 100})
        outcome = run("ask", "Who?", rag=ScriptedRag(answers=[answer]))
        assert "Marker dropped: [99] names no evidence\n" in outcome.err
        assert "1,000 tokens" in outcome.err

    def test_quiet_leaves_the_answer_alone(self) -> None:
        """`rag -q` says nothing beside the answer."""
        outcome = run("-q", "ask", "Who came?")
        assert "" == outcome.err
        assert QUOTE in outcome.out

    def test_a_marker_is_never_taken_for_markup(self) -> None:
        """Square brackets are data."""
        rag = ScriptedRag(answers=[replace(ANSWERED, text="[bold]x[/bold] [1] [/] [link=a]")])
        assert run("ask", "?", rag=rag).out.startswith("[bold]x[/bold] [1] [/] [link=a]\n")


class TestHistory:
    """`--history FILE`."""

    @pytest.mark.parametrize(
        "text",
        [
            '[{"role": "user", "text": "é"}, {"role": "assistant", "text": "b"}]',
            '{"role": "user", "text": "é"}\n\n{"text": "b", "role": "assistant"}\n',
        ],
    )
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    def test_is_a_list_or_one_turn_a_line(self, text: str, encoding: str, tmp_path: Path) -> None:
        """JSON and JSON lines are read, with a byte order mark or without."""
        path = tmp_path / "talk"
        path.write_text(text, encoding=encoding)
        rag = ScriptedRag()
        run("ask", "?", "--history", str(path), rag=rag)
        turns = (Turn(role="user", text="é"), Turn(role="assistant", text="b"))
        assert turns == rag.calls[0][2]

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            (b"[", "this is not JSON"),
            (b"[" * 100_000, "this is not JSON"),
            (b"\xff\xfe", "this is not UTF-8 text"),
            (
                b'[{"role": "bot", "text": "x"}]',
                "item 1: role must be user or assistant, got 'bot'",
            ),
            (b'[{"role": ["user"], "text": "x"}]', "item 1: role must be user or assistant"),
            (b'[{"role": "user", "text": 5}]', "item 1: text must be a string, got 5"),
            (b'{"role": "user", "text": "x"}\n{"role": "user"}', "item 2: wanted an object"),
            (b"[7]", "item 1: wanted an object with role and text, got 7"),
            (b'"\\u001b"', "item 1: wanted an object"),
        ],
    )
    def test_that_cannot_be_used_says_where(
        self, content: bytes, complaint: str, tmp_path: Path
    ) -> None:
        """A bad file is a fault of usage; the message names file, item, wanted and got."""
        path = tmp_path / "talk.json"
        path.write_bytes(content)
        outcome = run("ask", "?", "--history", str(path))
        assert (2, "") == (outcome.code, outcome.out)
        assert complaint in outcome.err
        assert "talk.json" in outcome.err
        assert 1 == outcome.err.count("\n")

    def test_that_is_missing_says_so(self) -> None:
        """A wrong path is a fault of usage."""
        outcome = run("ask", "?", "--history", "nowhere.json")
        assert 2 == outcome.code
        assert "nowhere.json: No such file or directory" in outcome.err


class TestSettings:
    """Options that change settings, and what cannot be meant."""

    def test_other_documents_get_an_index_of_their_own(self, tmp_path: Path) -> None:
        """`--seeds DIR` neither writes into DIR nor into another folder's index; it is stable."""
        docs = tmp_path / "My docs\x1b"
        docs.mkdir()
        (tmp_path / "other").mkdir()
        seen = [run("ask", "?", "--seeds", str(path)).opened[0].settings for path in (docs, docs)]
        other = run("ask", "?", "--seeds", "other").opened[0].settings
        assert docs == seen[0].seeds_dir
        assert tmp_path / "cache" / "footnote" == seen[0].index_dir.parent
        assert seen[0].index_dir.name.startswith("My-docs-")
        assert seen[0].index_dir == seen[1].index_dir != other.index_dir
        assert [] == list(docs.iterdir())

    @pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
    def test_the_cache_is_its_owners(self, tmp_path: Path) -> None:
        """An index holds the documents' text, so nobody else can read it."""
        run("ask", "?", "--seeds", str(tmp_path))
        assert 0o700 == (tmp_path / "cache" / "footnote").stat().st_mode & 0o777

    @pytest.mark.parametrize(
        ("options", "env"), [(("--index", "mine"), {}), ((), {"RAG_INDEX_DIR": "mine"})]
    )
    def test_a_chosen_index_is_used(self, options: tuple[str, ...], env: dict[str, str]) -> None:
        """Whoever names the index folder gets it."""
        Path("docs").mkdir()
        settings = run("ask", "?", "--seeds", "docs", *options, env=env).opened[0].settings
        assert Path("mine") == settings.index_dir

    def test_the_usual_documents_keep_their_index(self) -> None:
        """Naming the folder that is used anyway changes nothing."""
        Path("seeds").mkdir()
        settings = run("ask", "?", "--seeds", "./seeds").opened[0].settings
        assert Path("index") == settings.index_dir

    def test_an_index_from_rag_toml_belongs_to_its_own_documents(self) -> None:
        """`--seeds` does not fill a project's index with other documents."""
        Path("docs").mkdir()
        Path("rag.toml").write_text('index_dir = "project"\n', encoding="utf-8")
        assert 0 == run("trust").code
        assert Path("project") == run("ask", "?").opened[0].settings.index_dir
        assert "footnote" in run("ask", "?", "--seeds", "docs").opened[0].settings.index_dir.parts

    def test_no_place_for_a_cache_says_what_to_do(self, tmp_path: Path) -> None:
        """Where no cache can be made, `--index` is named."""
        Path("docs").mkdir()
        (tmp_path / "file").touch()
        outcome = run("ask", "?", "--seeds", "docs", env={"XDG_CACHE_HOME": f"{tmp_path}/file"})
        assert (1, "") == (outcome.code, outcome.out)
        assert "--index" in outcome.err

    @pytest.mark.parametrize(
        "argv",
        [
            ("ask",),
            ("ask", "a", "b"),
            ("nothing",),
            ("ask", "?", "--nope"),
            ("ask", "?", "--seeds", "nowhere"),
            ("ask", "?", "--top-k", "0"),
            ("ask", "?", "--strictness", "2"),
            ("search", "x", "-k", "0"),
            ("serve", "--port", "70000"),
            ("eval", "--split", "train"),
        ],
    )
    def test_a_fault_of_usage_is_one_sentence_and_2(self, argv: tuple[str, ...]) -> None:
        """What cannot be meant is refused before anything is opened, on one line."""
        outcome = run(*argv)
        assert (2, "", ()) == (outcome.code, outcome.out, outcome.opened)
        assert 1 == outcome.err.count("\n")

    def test_hostile_arguments_are_inert(self) -> None:
        """What was typed is not played back to the terminal."""
        for argv in (
            ("\x1b[2J\u202e",),
            ("ask", "?", "--\x1b]0;x\x07"),
            ("ask", "?", "--seeds", "\x9b"),
        ):
            assert not set("\x1b\x07\x9b\u202e") & set(run(*argv).err)


class TestOtherCommands:
    """Every other command but `rag chat` and `rag doctor`."""

    def test_search_shows_passages(self) -> None:
        """Place, score and words, best first; the code is 0."""
        rag = ScriptedRag()
        outcome = run("search", "Shoigu", "-k", "5", "--source", "a.txt", rag=rag)
        assert [("search", "Shoigu", 5, ("a.txt",))] == rag.calls
        assert (
            "1. news/article.txt, characters 0-80, score 0.750\n"
            f"    Yesterday {QUOTE} Talks followed.\n"
        ) == outcome.out
        assert 0 == outcome.code

    def test_search_without_a_result_is_3(self) -> None:
        """Nothing found is told on stderr, and in the exit code."""
        assert (3, "", "Nothing was found.\n") == outcome_of(
            run("search", "x", rag=ScriptedRag(found=()))
        )

    def test_search_json(self) -> None:
        """One object with query and results."""
        found = json.loads(run("search", "x", "--json").out)
        assert ("x", PASSAGE.passage.passage_id) == (
            found["query"],
            found["results"][0]["passage"]["passage_id"],
        )

    def test_sources_are_rows_in_a_pipe(self) -> None:
        """Eight fields a source, whatever its name holds."""
        known = (SOURCE, replace(SOURCE, source_id="b\t\nc.md"))
        rows = run("sources", rag=ScriptedRag(known=known)).out.splitlines()
        assert ["news/article.txt", "b␉␊c.md"] == [row.split("\t")[0] for row in rows]
        assert {8} == {len(row.split("\t")) for row in rows}

    def test_sources_json(self) -> None:
        """One object with all that is known of each source."""
        known = json.loads(run("sources", "--json").out)["sources"]
        assert SOURCE.source_id == known[0]["source_id"]

    def test_no_sources_says_where_to_put_some(self) -> None:
        """An empty index is told, with what to do."""
        outcome = run("sources", rag=ScriptedRag(known=()))
        assert (0, "") == (outcome.code, outcome.out)
        assert "seeds" in outcome.err

    def test_sync_tells_every_files_fate(self) -> None:
        """Paths and `--rebuild` are passed on; opening does not sync a first time."""
        file = FileReport(source_id="a.md", fate="added")
        rag = ScriptedRag(report=SyncReport(files=(file,), n_embedded=3, seconds=0.5))
        outcome = run("sync", "a.md", "b", "--rebuild", rag=rag)
        assert [("sync", ("a.md", "b"), None)] == rag.calls
        verified = ScriptedRag(report=rag.report)
        run("sync", "--verify", rag=verified)
        assert [("sync", (), None, "verify")] == verified.calls
        assert [(False, True)] == [(each.sync, each.rebuild) for each in outcome.opened]
        assert "added     a.md\n1 file: 1 added; 3 passages embedded in 0.5 s.\n" == outcome.out

    @pytest.mark.parametrize(
        ("fates", "code", "complaint"),
        [
            ((), 0, ""),
            (("added", "failed"), 0, "1 of 2 files could not be read.\n"),
            (("failed", "failed"), 1, "2 of 2 files could not be read.\n"),
            (("unchanged",), 0, ""),
            (("unchanged", "unreachable"), 0, "1 of 2 files could not be read.\n"),
            (("unreachable", "unreachable"), 1, "2 of 2 files could not be read.\n"),
            (("unchanged", "held"), 0, "1 sources are missing and held back; see above.\n"),
        ],
    )
    def test_sync_fails_only_if_nothing_could_be_read(
        self, fates: tuple[str, ...], code: int, complaint: str
    ) -> None:
        """One bad file is told and does not spoil the others."""
        files = tuple(FileReport(source_id=f"{i}", fate=fate) for i, fate in enumerate(fates))
        report = SyncReport(files=files, n_embedded=0, seconds=0)
        outcome = run("sync", rag=ScriptedRag(report=report))
        assert (code, complaint) == (outcome.code, outcome.err)

    def test_sync_yes_removes_what_would_be_held(self) -> None:
        """`--yes` says that it is meant; without it nobody is asked in a pipe, and nothing is removed."""
        held = FileReport(source_id="a.md", fate="held", reason="many_missing", message="Missing.")
        rag = ScriptedRag(report=SyncReport(files=(held,), n_embedded=0, seconds=0))
        unasked = run("sync", rag=rag, stdin="y\n")
        meant = run("sync", "--yes", rag=rag)
        assert [("sync", (), None), ("sync", (), None, "confirmed")] == rag.calls
        assert unasked.out.startswith("held      a.md: Missing.\n")
        assert meant.out.startswith("removed   a.md: Missing.\n")

    @pytest.mark.parametrize(("said", "fate"), [("y\n", "removed"), ("\n", "held"), ("", "held")])
    def test_sync_asks_on_a_terminal(self, said: str, fate: str, monkeypatch) -> None:
        """Where a person can be asked whether many were removed, their word decides; no word is no."""
        monkeypatch.setattr(
            "rag.cli.inputs.can_be_asked", lambda session: session.stdin is not None
        )
        held = FileReport(source_id="a.md", fate="held", reason="many_missing", message="Missing.")
        rag = ScriptedRag(report=SyncReport(files=(held,), n_embedded=0, seconds=0))
        outcome = run("sync", rag=rag, stdin=said)
        assert "1 indexed document is missing" in outcome.err
        assert outcome.out.startswith(f"{fate:<9} a.md")

    def test_what_an_answer_lacks_is_said_beside_it(self) -> None:
        """An answer over a part of the documents says so before its quotes, a search behind its results."""
        why = "The index is not finished."
        rag = ScriptedRag(
            answers=[replace(ANSWERED, complete=False, caveat=why)], lacking=(why, "More.")
        )
        assert why in run("ask", "Who came?", rag=rag).out.partition("[1] A visit")[0]
        assert (False, why) == tuple(
            json.loads(run("ask", "--json", "Who came?", rag=rag).out)[name]
            for name in ("complete", "caveat")
        )
        assert f"{why}\nMore.\n" == run("search", "Who", rag=rag).err
        assert (False, f"{why} More.") == tuple(
            json.loads(run("search", "--json", "Who", rag=rag).out)[name]
            for name in ("complete", "caveat")
        )

    def test_sync_json(self) -> None:
        """One object with every file."""
        file = FileReport(source_id="a.md", fate="failed", reason="empty", message="No text.")
        rag = ScriptedRag(report=SyncReport(files=(file,), n_embedded=0, seconds=0))
        report = json.loads(run("sync", "--json", rag=rag).out)
        assert "No text." == report["files"][0]["message"]

    def test_remove_takes_a_source_out(self) -> None:
        """The id is passed on and the fate shown."""
        file = FileReport(source_id="a.md", fate="excluded", reason="by_hand")
        rag = ScriptedRag(report=SyncReport(files=(file,), n_embedded=0, seconds=0))
        outcome = run("remove", "a.md", rag=rag)
        assert [("remove", "a.md")] == rag.calls
        assert outcome.out.startswith("excluded  a.md: by hand\n")

    def test_serve_hands_over(self) -> None:
        """Settings, address and browser reach the server; the default is this machine only."""
        served = []
        doors = Doors(serve=lambda settings, **options: served.append((settings, options)))
        run("serve", "--index", "i", "--open", doors=doors)
        assert {"host": "127.0.0.1", "port": 7860, "open_browser": True} == served[0][1]
        assert Path("i") == served[0][0].index_dir

    def test_eval_measures(self, tmp_path: Path) -> None:
        """Data set, split, limit and folder reach the evaluation; its report is printed."""

        class Report:
            """One figure."""

            def to_markdown(self) -> str:
                """Return a table."""
                return "| figure |\n|---|\n| 1 |"

            def to_dict(self) -> dict[str, object]:
                """Return the same as JSON."""
                return {"figure": 1}

        calls = []

        def evaluate(*args: object, **options: object) -> Report:
            calls.append((args, options))
            return Report()

        rag = ScriptedRag()
        data = tmp_path / "questions.jsonl"
        data.touch()
        doors = Doors(open_rag=lambda *_args, **_options: rag, evaluate=evaluate)
        argv = ("eval", "--dataset", str(data), "--split", "test", "--limit", "5", "--out", "run")
        assert "| figure |\n|---|\n| 1 |\n" == run(*argv, doors=doors).out
        assert {"figure": 1} == json.loads(run(*argv, "--json", doors=doors).out)
        args, options = calls[0]
        assert (rag, data) == args
        assert {"split": "test", "out": Path("run"), "limit": 5, "progress": None} == options

    def test_without_a_command_help_is_shown_as_usage(self) -> None:
        """`rag` alone says what there is, on stderr, and ends with 2."""
        outcome = run()
        assert (2, "") == (outcome.code, outcome.out)
        for command in ["sync", "ask", "chat", "search", "sources", "eval", "serve", "doctor"]:
            assert f"\n  {command} " in outcome.err

    @pytest.mark.parametrize("argv", [("--help",), ("ask", "-h"), ("--version",)])
    def test_help_and_version_open_nothing(self, argv: tuple[str, ...]) -> None:
        """They go to stdout, end with 0 and touch no index."""
        outcome = run(*argv)
        assert (0, "", ()) == (outcome.code, outcome.err, outcome.opened)
        assert outcome.out

    def test_forgetting_tells_what_is_gone(self) -> None:
        """`rag sync --forget` forgets each path, and nothing else is read meanwhile."""
        file = FileReport(source_id="a.md", fate="removed", reason="by_hand", message="Forgotten.")
        rag = ScriptedRag(report=SyncReport(files=(file,), n_embedded=0, seconds=0))
        outcome = run("sync", "--forget", "a", "--forget", "b", rag=rag)
        assert [("forget", "a"), ("forget", "b")] == rag.calls
        assert (0, False) == (outcome.code, outcome.opened[0].sync)
        assert 2 == outcome.out.count("removed   a.md: Forgotten.\n")
        shown = json.loads(run("sync", "--forget", "a", "--json", rag=rag).out)
        assert ["removed"] == [one["fate"] for one in shown["files"]]

    @pytest.mark.parametrize("other", [("notes",), ("--rebuild",)])
    def test_forgetting_goes_with_nothing_else(self, other: tuple[str, ...]) -> None:
        """What is meant by both at once is not guessed."""
        outcome = run("sync", "--forget", "a", *other)
        assert (2, "", ()) == (outcome.code, outcome.out, outcome.opened)


class TestFailures:
    """What goes wrong is a sentence and an exit code."""

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (IndexNotFoundError, 1),
            (SourceNotFoundError, 1),
            (PathNotFoundError, 2),
            (ArgumentError, 2),
            (ChatTimeoutError, 1),
            (RagError, 1),
            (SettingsError, 2),
        ],
    )
    @pytest.mark.parametrize(
        "argv",
        [("ask", "?"), ("ask", "?", "--json"), ("search", "x"), ("sources",), ("sync",), ("chat",)],
    )
    def test_a_known_failure_is_one_line(
        self, error: type[RagError], code: int, argv: tuple[str, ...]
    ) -> None:
        """The message of any error of ours is all there is, neutralised, and stdout stays empty."""
        outcome = run(*argv, fail=lambda: error("No index\x1b.\nRun rag sync."))
        assert (code, "", "No index␛.␊Run rag sync.\n") == outcome_of(outcome)

    def test_an_unforeseen_failure_shows_no_traceback(self) -> None:
        """A fault of ours is one sentence with what to report, and gives away nothing it holds."""
        outcome = run("ask", "?", fail=lambda: KeyError("sk-secret"))
        assert (1, "") == (outcome.code, outcome.out)
        assert "KeyError" in outcome.err
        assert "RAG_DEBUG=1" in outcome.err
        assert "secret" not in outcome.err
        assert 1 == outcome.err.count("\n")

    def test_debugging_shows_the_traceback(self) -> None:
        """With RAG_DEBUG=1 there is a traceback, without local values and escapes."""
        outcome = run("ask", "?", fail=lambda: KeyError("x\x1b"), env={"RAG_DEBUG": "1"})
        assert "Traceback" in outcome.err
        assert "\x1b" not in outcome.err

    def test_an_interruption_is_130(self) -> None:
        """Ctrl-C ends a command at once and without a traceback."""
        outcome = run("ask", "?", fail=KeyboardInterrupt)
        assert (130, "", "Interrupted.\n") == outcome_of(outcome)

    def test_libraries_do_not_write_on_the_screen(self) -> None:
        """Their warnings and logs are shown for debugging only; what this program logs, always."""

        def noise() -> BaseException:
            import logging
            import warnings

            warnings.warn("a warning", UserWarning, stacklevel=1)
            logging.getLogger("library").error("a log")
            logging.getLogger("rag.index").warning("rebuilt\x1b")
            return RagError("x")

        assert "rebuilt␛\nx\n" == run("ask", "?", fail=noise).err

    def test_the_streams_are_given_back(self) -> None:
        """Running the command line in a program leaves its logging as it was."""
        import logging

        before = list(logging.getLogger().handlers)
        run("--version")
        assert before == logging.getLogger().handlers
        assert sys.stdout is not None


def outcome_of(outcome: Outcome) -> tuple[int, str, str]:
    """Return code, stdout and stderr."""
    return outcome.code, outcome.out, outcome.err
