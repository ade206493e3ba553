"""The house itself: what loads what, what is forbidden, and that every room has its tests."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import rag
from tests.deferred import Deferred

ROOT = Path(__file__).parent.parent
PACKAGE = Path(rag.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
OURS = [
    *MODULES,
    ROOT / "app.py",
    *sorted((ROOT / "training").rglob("*.py")),
    # The plain langchain script that is measured beside us is as people write it.
    *sorted(path for path in (ROOT / "eval").rglob("*.py") if path.name != "peer.py"),
]
HEAVY = (
    "torch",
    "gradio",
    "faiss",
    "langchain",
    "langchain_core",
    "sentence_transformers",
    "onnxruntime",
)

FORBIDDEN_MODULES = {"pickle", "cPickle", "joblib", "dill", "shelve", "marshal", "cloudpickle"}
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "torch.load", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen",
    "joblib.load", "zipfile.extractall", "faiss.read_index_binary",
}  # fmt: skip
FORBIDDEN_KEYWORDS = {
    "allow_pickle",
    "trust_remote_code",
    "allow_dangerous_deserialization",
    "shell",
}


@pytest.mark.process
def test_import_rag_loads_nothing_heavy():
    """`import rag` costs next to nothing: no model library comes with it."""
    script = f"import sys, rag; print([m for m in {HEAVY!r} if m in sys.modules])"

    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert found.strip() == "[]"


def test_public_names_are_all_there():
    """Every name that the package offers can be had, and no other is offered."""
    for name in rag.__all__:
        assert getattr(rag, name).__module__.startswith("rag.")

    assert sorted(rag.__all__) == dir(rag)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = rag.nonsense


def test_collecting_tests_imports_nothing_heavy():
    """A test imports a heavy library where it uses it, so that neither one test nor the fast lane waits for all."""
    heavy = {*HEAVY, "transformers", "sklearn", "scipy", "pandas", "ir_measures"} - {"onnxruntime"}
    found = {
        f"{path.name}: {name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        if name.partition(".")[0] in heavy
    }

    assert set() == found


def test_a_deferred_module_is_imported_by_its_first_use_only():
    """What pytest asks of every name in a module imports nothing; a name of the module does."""
    deferred = Deferred("this")

    assert not hasattr(deferred, "_pytestfixturefunction")
    assert not hasattr(deferred, "__test__")
    assert "this" not in sys.modules
    with redirect_stdout(io.StringIO()):
        assert deferred.s
    assert "this" in sys.modules


def calls(tree: ast.AST) -> list[str]:
    """Return the dotted names that are called, by the names that their modules have at home."""
    home = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        if isinstance(node, ast.ImportFrom)
        else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    called = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    split = [name.partition(".") for name in called]
    return [home.get(first, first) + dot + rest for first, dot, rest in split]


def offences(source: str) -> list[str]:
    """Return what a piece of code does that nothing here may do."""
    tree = ast.parse(source)
    found = [name for name in calls(tree) if name in FORBIDDEN_CALLS]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in FORBIDDEN_MODULES]
        if (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").split(".")[0] in FORBIDDEN_MODULES
        ):
            found.append(node.module)
        if isinstance(node, ast.keyword) and node.arg in FORBIDDEN_KEYWORDS:
            off = isinstance(node.value, ast.Constant) and node.value.value is False
            found += [] if off else [node.arg]
    return found


@pytest.mark.parametrize(
    "trap",
    [
        "import pickle", "from joblib import load", "eval('1')", "exec('1')", "torch.load(f)",
        "from torch import load\nload(f)", "import yaml as y\ny.load(f)", "np.load(f, allow_pickle=True)",
        "AutoModel.from_pretrained(n, trust_remote_code=True)", "yaml.load(f)", "run(c, shell=True)",
        "FAISS.load_local(d, e, allow_dangerous_deserialization=True)",
    ],
)  # fmt: skip
def test_the_check_for_forbidden_calls_sees_them(trap):
    """The check below is no blank: each thing it is there for, it finds."""
    assert offences(trap)


def test_nothing_forbidden_is_called(figure):
    """R13: no pickle, no evaluation of text, no remote code, anywhere: package, app, evaluation and training.

    Seen to fail with each of the traps above written into a module.
    """
    found = {str(path.relative_to(ROOT)): offences(path.read_text("utf-8")) for path in OURS}
    figure(f"R13: {sum(map(len, found.values()))} forbidden calls in {len(found)} files")
    assert {} == {path: calls for path, calls in found.items() if calls}


def test_only_entry_points_read_the_environment():
    """What a person set in the environment comes in through settings and the entry points, nowhere else."""
    allowed = {"settings.py", "cli", "web"}
    readers = {
        str(path.relative_to(PACKAGE).parts[0])
        for path in MODULES
        if "os.environ" in path.read_text(encoding="utf-8")
        or "os.getenv" in path.read_text(encoding="utf-8")
    }

    assert readers <= allowed


def test_the_package_needs_nothing_that_is_not_in_the_wheel():
    """What users install imports nothing of `eval/`, `training/` or `tests/`."""
    imported = {
        (str(path.relative_to(PACKAGE)), name.partition(".")[0])
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
    }

    assert [] == [one for one in imported if one[1] in {"eval", "training", "tests"}]


ALIKE = {"main", "read"}
"""Names that mean the same wherever they stand: what a process begins with, what a format's loader offers."""
TO_BE_NAMED_ONCE = {
    "Check",  # citations/checks.py, web/standing.py
    "Conversation",  # pipeline/conversation.py, web/conversation.py
    "Document",  # chat/model.py, sources/document.py
    "Found",  # store.py, web/finding.py
    "Fragment",  # queries/ellipsis.py, sources/pdf_page.py
    "Index",  # cli/options.py, index/index.py
    "Kept",  # index/kept_vectors.py, web/uploads.py
    "Kind",  # language/quantities.py, queries/noun_phrases.py, reader/features.py
    "Library",  # pipeline/library.py, web/suggesting.py
    "Line",  # citations/markers.py, language/lines.py, sources/pdf_page.py
    "Loaded",  # sources/loading.py, store.py
    "Message",  # chat/model.py, prompts.py
    "Part",  # index/words.py, web/explaining.py
    "Parts",  # pipeline/build.py, web/evaluation_tab.py, web/settings_tab.py, web/sources_tab.py
    "Root",  # sources/files.py, store.py
    "Run",  # evaluation/run.py, language/lines.py
    "State",  # index/state.py, web/opening.py
    "Tab",  # web/evaluation_tab.py, web/sources_tab.py
    "Update",  # web/carrying.py, web/evaluation_tab.py, web/settings_tab.py, web/sources_tab.py, web/talking.py
    "Weights",  # retrieval.py, weights.py
    "Writer",  # citations/writing.py, index/writer.py
    "build",  # index/words.py, pipeline/build.py, web/pages.py
    "complete",  # chat/model.py, queries/ellipsis.py
    "escape",  # evaluation/markup.py, web/escaping.py
    "lay_out",  # web/evaluation_tab.py, web/settings_tab.py, web/sources_tab.py
    "load",  # index/search.py, sources/loading.py
    "open_model",  # chat/local.py, reader/hugging_face.py
    "pack",  # index/words.py, prompts.py
    "path_of",  # language/blocks.py, pipeline/border.py
    "remove",  # index/sync.py, index/writer.py, sources/html.py
    "spelled",  # language/paths.py, sources/numbering.py
    "text_of",  # pipeline/border.py, pipeline/excerpts.py
    "to_text",  # sources/html.py, web/keeping.py
    "told",  # pipeline/disagreement.py, web/streaming.py
    "too_long",  # chat/faults.py, sources/document.py, web/asking.py
    "translated",  # chat/faults.py, index/database.py
    "trouble",  # web/account.py, web/figures.py, web/shelf.py
    "turns",  # pipeline/excerpts.py, web/conversation.py
    "units_of",  # language/blocks.py, passages/structure.py
    "wire",  # web/evaluation_tab.py, web/settings_tab.py, web/sources_tab.py
}
"""Names that still mean two things; the list may only become shorter."""


def defined(path: Path) -> set[str]:
    """Return the public classes, functions and types of a module; commands are named by what a person types."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                is_command = any(ast.unparse(one).startswith("app.") for one in node.decorator_list)
                names |= set() if is_command else {node.name}
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names |= {name} if name[0].isupper() and not name.isupper() else set()
    return {name for name in names if not name.startswith("_")}


def test_one_name_for_one_thing():
    """No public class, function or type of the package is defined in two modules."""
    homes: dict[str, list[str]] = {}
    for path in MODULES:
        for name in defined(path):
            homes.setdefault(name, []).append(str(path.relative_to(PACKAGE)))
    twice = {name for name, places in homes.items() if len(places) > 1} - ALIKE

    assert {} == {name: homes[name] for name in twice - TO_BE_NAMED_ONCE}
    assert set() == TO_BE_NAMED_ONCE - twice, "these are named once now: take them off the list"


def test_every_room_says_what_it_is_for():
    """The first line of a room's `__init__` is one sentence."""
    first = {
        path.parent.name: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[
            0
        ]
        for path in PACKAGE.glob("*/__init__.py")
    }

    assert [] == [room for room, line in first.items() if not line.endswith(".")]


def test_every_room_has_a_test_module_of_its_name():
    """Whoever looks for the tests of a room knows where they are."""
    rooms = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    }
    tested = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}

    missing = {
        room
        for room in rooms - {"__init__", "__main__"}
        if not any(name == f"test_{room}" or name.startswith(f"test_{room}_") for name in tested)
    }

    assert missing == set()


def test_every_test_states_its_promise():
    """A test is a sentence: its docstring says what is promised."""
    silent = [
        f"{path.name}: {node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert [] == silent
