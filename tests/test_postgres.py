"""The store on a server: roles, passwords, words beside the server, the deaths of either side, dump and restore."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psycopg
import pytest

from rag import Rag, Settings
from rag.cli.doctor import check_store
from rag.cli.inputs import settings_from
from rag.errors import (
    IndexFormatError,
    IndexStateError,
    IndexUnreachableError,
    IndexWriteError,
    SettingsError,
)
from rag.evaluation.dataset import load_dataset
from rag.pipeline.collections import Collections
from rag.postgres import PostgresStore, ServerAddress
from rag.store import KnownRoot
from tests.index_fakes import STAMP, bytes_of, entries, fill, found, source, vector
from tests.postgres_fakes import Server
from tests.store_fakes import PostgresStores

ROOT = Path(__file__).parent.parent
SECRET = "Zwetschgenmus48113"
SCHEMA = "footnote"
STEP = 1 if os.environ.get("TRIES") in {"full", "soak"} else 10
"""Every how manieth question on the article is asked: all of them take minutes."""

pytestmark = pytest.mark.process(reason="starts a server")


@pytest.fixture
def stores(postgres, tmp_path):
    """Collections of their own."""
    return PostgresStores(postgres, tmp_path)


@pytest.fixture
def index(stores):
    """An empty collection."""
    with stores.open() as opened:
        yield opened


@pytest.fixture
def role(postgres, stores):
    """Makes a role with a password; let into collections as a test says."""
    made = []
    stores.open("tables").close()

    def make(*lets: str) -> str:
        name = f"role_{uuid.uuid4().hex[:12]}"
        postgres.sql(f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
        made.append(name)
        for let in lets:
            postgres.sql(f"CALL footnote.let('{name}', {let})")
        return name

    yield make
    for name in made:
        postgres.sql(
            f"DELETE FROM footnote.members WHERE role = '{name}'",
            f"DROP OWNED BY {name}",
            f"DROP ROLE {name}",
        )


def test_the_graph_finds_what_comparing_all_finds(stores):
    """Above the limit vectors are searched by a graph, whose scores are exact and in the same order."""
    texts = {f"{i}.txt": f"word{i} and word{i // 3} and word{i // 7}" for i in range(600)}
    results = []
    for exact_up_to in (10_000, 100):
        with stores.open(str(exact_up_to), exact_up_to=exact_up_to) as index:
            fill(index, texts)
            with index.snapshot() as snapshot:
                some = frozenset(f"{i}.txt" for i in range(0, 600, 2))
                kind = snapshot.statistics()["vectors"]
                results.append([snapshot.dense(vector("word5 word9"), 5)])
                results[-1].append(snapshot.dense(vector("word8"), 9, sources=some))
        assert ("pgvector, HNSW" if exact_up_to == 100 else "pgvector, exact") == kind

    assert results[0] == results[1]


def test_passages_that_are_removed_hide_none_from_the_graph(stores):
    """However many of the nearest are gone, as many as were asked for are found."""
    with stores.open(exact_up_to=50) as index:
        fill(index, {f"{i}.txt": f"apple number{i}" for i in range(400)})
        with index.writer() as writer:
            for i in range(390):
                writer.remove(f"{i}.txt")
        with index.snapshot() as snapshot:
            assert 10 == len(snapshot.dense(vector("apple"), 10))


def test_words_are_pulled_once_and_pulled_again_when_damaged(index, stores, tmp_path):
    """Parts lie beside the server that answers, for its owner only, under their checksum; those of older states go."""
    fill(index, {"a.txt": "apple"})
    with stores.open() as first:
        assert ["apple"] == found(first, "apple")
    (part,) = stores.cache().iterdir()
    content = part.read_bytes()
    part.write_bytes(b"rubbish")
    with stores.open() as again:
        assert ["apple"] == found(again, "apple")
        assert content == part.read_bytes()
        fill(again, {"a.txt": "pear"})
        assert ["pear"] == found(again, "pear")

    (newer,) = stores.cache().iterdir()
    assert part != newer
    assert (0o700, 0o600) == (
        stat.S_IMODE(stores.cache().stat().st_mode),
        stat.S_IMODE(newer.stat().st_mode),
    )
    assert b"apple" not in bytes_of(tmp_path)


def test_words_that_the_database_has_lost_are_made_from_passages(index, stores, postgres):
    """A blob that is not what was recorded is not believed."""
    fill(index, {"a.txt": "apple"})
    number = f"footnote.find('{stores.name()}')"
    postgres.sql(f"UPDATE footnote.words SET content = 'rubbish' WHERE collection = {number}")

    assert ["apple"] == found(index, "apple")


def test_where_nothing_can_be_written_words_are_pulled_each_time(stores, postgres, tmp_path):
    """A server with a read-only disk answers too."""
    with stores.open() as index:
        fill(index, {"a.txt": "apple"})
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with PostgresStore.open(
        postgres.url(), stores.name(), STAMP, cache=blocked / "segments"
    ) as other:
        assert ["apple"] == found(other, "apple")


# Either side dies.


def test_a_server_that_is_killed_loses_nothing_and_is_found_again(stores, postgres):
    """Killed with -9 in the middle of a change and started again, it holds the last commit; whoever had it open goes on."""
    with stores.open() as index:
        fill(index, {f"{i}.txt": f"apple number{i}" for i in range(30)})
        assert 10 == len(found(index, "apple"))

        def broken_off():
            with index.writer() as writer:
                made = source("0.txt", "pear")
                writer.put(made, "folder", entries(made))
                writer.remove("1.txt")
                postgres.kill()

        with pytest.raises(IndexStateError):
            broken_off()
        postgres.start()

        assert 30 == len(index.sources())
        assert 10 == len(found(index, "apple"))
        assert [] == found(index, "pear")
        assert () == index.faults()
        fill(index, {"0.txt": "pear"})
        assert ["pear"] == found(index, "pear")


def test_a_server_that_is_away_is_said_in_a_sentence(stores, postgres, monkeypatch):
    """What to look at is told, for reading, writing and opening; when it is back nothing need be opened again."""
    monkeypatch.setattr("rag.postgres.store._WAIT", 0.5)
    with stores.open() as index:
        fill(index, {"a.txt": "apple"})
        postgres.stop()
        said = []
        for call in (index.sources, lambda: fill(index, {"b.txt": "pear"}), stores.open):
            with pytest.raises(IndexUnreachableError, match="cannot be reached") as told:
                call()
            said.append(str(told.value))
        postgres.start()
        assert ["apple"] == found(index, "apple")

    assert all("RAG_STORE" in one for one in said)


def test_a_standby_answers_and_refuses_to_be_written(index, stores, postgres, tmp_path):
    """What is committed is found there a moment later; a change is refused with what to do."""
    fill(index, {"a.txt": "apple"})
    standby = Server(postgres.bin, follows=postgres)
    try:
        with PostgresStore.open(standby.url(), stores.name(), STAMP, cache=tmp_path / "s") as other:
            assert ["apple"] == found(other, "apple")
            fill(index, {"b.txt": "pear"})
            for _ in range(200):
                if ["pear"] == found(other, "pear"):
                    break
                time.sleep(0.05)
            assert ["pear"] == found(other, "pear")
            with pytest.raises(IndexWriteError, match="only reads"):
                fill(other, {"c.txt": "plum"})
    finally:
        standby.remove()


def test_a_writer_that_is_killed_leaves_nothing_half_done(index, stores):
    """R1: what it had put is not there, its lock is free, and its temporary rows are gone."""
    fill(index, {"a.txt": "apple"})
    script = (
        "with index.writer() as writer:\n"
        "    for i in range(1500):\n"
        "        made = source(f'{i}.txt', f'pear number{i}')\n"
        "        writer.put(made, 'folder', entries(made))\n"
        "    print('put', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with stores.child(script) as child:
        assert "put\n" == child.stdout.readline()
        child.kill()

    fill(index, {"b.txt": "plum"})
    assert ["a.txt", "b.txt"] == [info.source_id for info in index.sources()]
    assert [] == found(index, "pear")
    assert () == index.faults()


def test_a_dump_is_restored_with_everything(index, stores, postgres, tmp_path):
    """What pg_dump wrote is, in another database, the same sources, answers and memory of what a person said."""
    texts = {f"{i}.txt": f"apple number{i}\nand more" for i in range(30)}
    fill(index, texts)
    index.remember_root("/documents", "documents/")
    with index.writer() as writer:
        writer.remove("3.txt", keep=True)
    copy = f"copy_{uuid.uuid4().hex}"
    postgres.tool("createdb", copy)
    dump = postgres.folder / "dump"
    postgres.tool("pg_dump", "-Fc", f"-n{SCHEMA}", "-e", "vector", "-f", str(dump), "postgres")
    postgres.tool("pg_restore", "-d", copy, str(dump))

    with PostgresStore.open(
        postgres.url(copy), stores.name(), STAMP, cache=tmp_path / "copy"
    ) as other:
        assert index.sources() == other.sources()
        assert (KnownRoot(path="/documents", prefix="documents/"),) == other.roots()
        assert found(index, "apple number7") == found(other, "apple number7")
        with index.snapshot() as one, other.snapshot() as two:
            assert one.dense(vector("number9"), 10) == two.dense(vector("number9"), 10)
            assert one.source("7.txt") == two.source("7.txt")
        assert () == other.faults()
        fill(other, {"new.txt": "a zebra"})
        assert ["a zebra"] == found(other, "zebra")
    postgres.sql(f"DROP DATABASE {copy}")


# Who may see what.

TABLES = "collections sources passages vectors words roots excluded failures places absent outdated kept members".split()


def test_a_reader_of_one_collection_gets_nothing_of_another(stores, postgres, role, tmp_path):
    """Row-level security: by the program and by any SQL a role sees what it was let into, and changes nothing."""
    with stores.open("open") as index:
        fill(index, {"a.txt": "apple"})
    with stores.open("closed") as index:
        fill(index, {"secret.txt": SECRET})
        index.remember_root(f"/{SECRET}", "")
    reader = role(f"'{stores.name('open')}'")
    url = postgres.by_loopback("postgres", user=reader, password=SECRET)

    with PostgresStore.open(url, stores.name("open"), STAMP, cache=tmp_path / "reader") as index:
        assert ["apple"] == found(index, "apple")
        with pytest.raises(IndexWriteError):
            fill(index, {"a.txt": "pear"})
        with pytest.raises(IndexWriteError, match="may not"):
            PostgresStore.open(url, stores.name("closed"), STAMP, cache=tmp_path / "closed")
    leaks = []
    with psycopg.connect(url, autocommit=True) as db:
        numbers = [n for (n,) in postgres.sql("SELECT id FROM footnote.collections")]
        allowed = postgres.sql(f"SELECT footnote.find('{stores.name('open')}')")[0][0]
        for number in ("", "x'", *numbers):
            for table in TABLES:
                try:
                    db.execute("SELECT set_config('footnote.collection', %s, false)", [f"{number}"])
                    rows = db.execute(f"SELECT * FROM footnote.{table}").fetchall()
                except psycopg.Error:
                    continue
                if rows and number != allowed:
                    leaks.append((number, table))
        for part in (f"passages_{n}" for n in numbers):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(f"SELECT * FROM footnote.{part}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute(f"CALL footnote.let('{reader}', '*', true)")

    assert [] == leaks


def test_a_role_that_indexes_needs_no_more_than_it_was_let(stores, postgres, role, tmp_path):
    """It makes, fills, empties, renames and removes collections, searched by a graph too, and owns nothing."""
    from rag.postgres import empty_collection, remove_collection, rename_collection

    with stores.open("other") as index:
        fill(index, {"secret.txt": SECRET})
    url = postgres.by_loopback(
        "postgres",
        user=role(f"'{stores.name()}', true", f"'{stores.name('new')}', true"),
        password=SECRET,
    )
    with PostgresStore.open(
        url, stores.name(), STAMP, cache=tmp_path / "w", exact_up_to=20
    ) as index:
        fill(index, {f"{i}.txt": f"apple number{i}" for i in range(40)})
        with index.writer() as writer:
            writer.remove("3.txt", keep=True)
        assert "pgvector, HNSW" == index.statistics()["vectors"]
        assert ["apple number7"] == found(index, "number7")
    rename_collection(url, stores.name(), stores.name("new"))
    empty_collection(url, stores.name("new"))
    remove_collection(url, stores.name("other"))
    assert () == stores.open("new").sources()
    remove_collection(url, stores.name("new"))

    assert [(None,)] == postgres.sql(f"SELECT footnote.find('{stores.name('new')}')")
    with stores.open("other") as index:
        assert 1 == len(index.sources())


def test_a_role_that_was_not_let_in_is_told_so(stores, postgres, role, tmp_path):
    """Neither the tables' names nor whether a collection is there."""
    stores.open().close()
    url = postgres.by_loopback("postgres", user=role(), password=SECRET)
    with pytest.raises(IndexWriteError, match=r"docs/postgres\.md"):
        PostgresStore.open(url, stores.name(), STAMP, cache=tmp_path)


def test_tables_are_made_by_whom_may_make_them(postgres, role, tmp_path):
    """Another role is told to have the owner do it; tables of a newer version are refused."""
    fresh = f"fresh_{uuid.uuid4().hex}"
    postgres.sql(f"CREATE DATABASE {fresh}")
    url = postgres.by_loopback(fresh, user=role(), password=SECRET)
    with pytest.raises(IndexWriteError, match="owner"):
        PostgresStore.open(url, "", STAMP, cache=tmp_path)
    PostgresStore.open(postgres.url(fresh), "", STAMP, cache=tmp_path).close()
    postgres.sql("UPDATE footnote._yoyo_migration SET migration_id = '9999.later'", database=fresh)
    with pytest.raises(IndexFormatError, match="newer"):
        PostgresStore.open(postgres.url(fresh), "", STAMP, cache=tmp_path)
    postgres.sql(f"DROP DATABASE {fresh} WITH (FORCE)")


def test_several_may_come_first(postgres, tmp_path):
    """Opened by four at once, an empty database gets its tables once, and one collection."""
    fresh = f"fresh_{uuid.uuid4().hex}"
    postgres.sql(f"CREATE DATABASE {fresh}")

    def open_one(number: int) -> PostgresStore:
        return PostgresStore.open(postgres.url(fresh), "", STAMP, cache=tmp_path / str(number))

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_one, range(4)))
    fill(opened[0], {"a.txt": "apple"})

    assert [["apple"]] * 4 == [found(one, "apple") for one in opened]
    for one in opened:
        one.close()
    assert [(1,)] == postgres.sql("SELECT count(*) FROM footnote.collections", database=fresh)
    postgres.sql(f"DROP DATABASE {fresh} WITH (FORCE)")


# Passwords.


def test_no_password_is_shown(postgres, stores, role, tmp_path, caplog):
    """Neither in errors, nor in what is said of the store, its settings or by the doctor."""
    stores.open().close()
    user = role(f"'{stores.name()}'")
    good = postgres.by_loopback("postgres", user=user, password=SECRET)
    settings = Settings(store=good, index_dir=tmp_path)
    said = [
        repr(settings),
        str(settings.model_dump()),
        str(check_store(settings)),
        repr(ServerAddress(good)),
    ]
    wrong = postgres.by_loopback("postgres", user=user, password=SECRET + "x")
    for url in (wrong, good.replace("127.0.0.1", "host.invalid"), good.replace("@", f"@{SECRET}@")):
        with pytest.raises((IndexStateError, SettingsError)) as told:
            PostgresStore.open(url, stores.name(), STAMP, cache=tmp_path)
        said.append(str(told.value))
    with PostgresStore.open(good, stores.name(), STAMP, cache=tmp_path) as index:
        said += [repr(index), str(index.statistics())]

    assert [] == [one for one in (*said, caplog.text) if SECRET in one]
    assert any("host.invalid" in one for one in said)


@pytest.mark.parametrize(
    "url", ["mysql://root:Zwetschgenmus48113@host/db", "host=here password=Zwetschgenmus48113"]
)
def test_another_address_is_refused_without_being_shown(url):
    """What it wants is said."""
    with pytest.raises(SettingsError, match="postgresql://USER@HOST") as told:
        Settings(store=url)

    assert SECRET not in str(told.value)


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@host/db", "postgresql://host/db?password=secret"]
)
def test_a_password_does_not_belong_into_a_file(tmp_path, url):
    """As that of the web chat; the file without it is obeyed."""
    file = tmp_path / "rag.toml"
    file.write_text(f'store = "{url}"')
    with pytest.raises(SettingsError, match="password does not belong"):
        Settings(config=file)
    file.write_text('store = "postgresql://me@host/db"')

    assert "postgresql://me@host/db" == Settings(config=file).store.get_secret_value()


def test_who_names_a_folder_gets_that(monkeypatch, tmp_path):
    """A store of the environment is neither filled nor emptied by what names a folder for its index, as `rag eval` does."""
    monkeypatch.setenv("RAG_STORE", "postgresql://me@host/db")
    named = Settings(index_dir=tmp_path)
    command = settings_from(seeds=tmp_path, environ={"XDG_CACHE_HOME": str(tmp_path)})
    both = Settings(index_dir=tmp_path, store="postgresql://me@host/other")

    assert [True, False, False, True, True] == [
        bool(one.store) for one in (Settings(), named, command, both, Settings().of_collection("b"))
    ]
    assert "store" not in named.origins


# The whole way.


@pytest.mark.model
def test_the_questions_on_the_article_are_answered_alike(postgres, tmp_path):
    """The same text, status and quotes as over the embedded store, question by question."""
    common = {"seeds_dir": ROOT / "seeds"}
    name = f"article-{uuid.uuid4().hex[:8]}"
    folder = tmp_path / "collections"
    (folder / name).mkdir(parents=True)
    (folder / name / "seeds").symlink_to(ROOT / "seeds")
    there = Settings(collections_dir=folder, collection=name, store=postgres.url())
    differing = []
    with Rag.open(Settings(index_dir=tmp_path / "index", **common)) as one, Rag.open(there) as two:
        for example in load_dataset(ROOT / "eval" / "data" / "article.jsonl")[::STEP]:
            answers = [rag.ask(example.question, history=example.history) for rag in (one, two)]
            told = [
                (a.status, a.text, a.confidence, [(c.start, c.end, c.quote) for c in a.citations])
                for a in answers
            ]
            if told[0] != told[1]:
                differing.append(example.question)

    assert [] == differing


def test_collections_are_changed_in_the_database_too(postgres, tmp_path):
    """Renamed, nothing is embedded again; removed, nothing of it is left."""
    tag = uuid.uuid4().hex[:8]
    settings = Settings(
        seeds_dir=tmp_path / "seeds",
        index_dir=tmp_path / "index",
        collections_dir=tmp_path / "collections",
        store=postgres.url(),
    )
    known = Collections(settings, lambda own: PostgresStore.open(
        postgres.url(), own.collection, STAMP, cache=own.index_dir / "segments"
    ))  # fmt: skip
    old, new = known.create(f"old-{tag}"), f"new-{tag}"
    with PostgresStore.open(postgres.url(), old, STAMP, cache=tmp_path / "c") as index:
        fill(index, {"a.txt": "apple"})
    known.rename(old, new)
    with PostgresStore.open(postgres.url(), new, STAMP, cache=tmp_path / "c") as index:
        assert ["a.txt"] == list(index.hashes())
    known.remove(new)

    assert [] == postgres.sql(f"SELECT 1 FROM footnote.collections WHERE name LIKE '%{tag}'")


def test_without_a_server_nothing_of_it_is_loaded():
    """The embedded way starts as before; without its packages a server is asked for in a sentence."""
    script = (
        "import sys\n"
        "sys.modules['psycopg_pool'] = None\n"
        "from rag import Settings\n"
        "from rag.errors import SettingsError\n"
        "import rag.cli, rag.pipeline, rag.index\n"
        "from rag.pipeline.build import load_postgres\n"
        "print([name for name in ('psycopg', 'yoyo', 'rag.postgres') if name in sys.modules])\n"
        "try:\n    load_postgres()\nexcept SettingsError as exc:\n    print(exc)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "[]" == done.stdout.splitlines()[0]
    assert "pip install 'footnote-rag[postgres]'" in done.stdout


def test_vectors_cross_the_wire_as_they_are():
    """Every half-precision number comes back as it was sent."""
    from rag.postgres.catalogue import Halves, from_wire

    numbers = np.array([0.5, -1.0, 6.1e-5, 65504.0, 1 / 3], dtype=np.float32).astype(np.float16)

    np.testing.assert_array_equal(
        numbers.astype(np.float32)[np.newaxis], from_wire([Halves.of(numbers)])
    )
