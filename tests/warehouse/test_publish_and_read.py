"""Publishing a hand-made candidate, and reading while versions change."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from dagster_project.settings import Settings, load_settings
from dagster_project.warehouse import build, pointer, publish
from dagster_project.warehouse.build import BuildResult, NodeResult
from dagster_project.warehouse.errors import NothingPublished, PublishRefused
from dagster_project.warehouse.read import PublishedReader


def make_candidate(settings: Settings, mark: int = 0) -> BuildResult:
    """A candidate as dbt leaves it: marts with comments and a macro, a view, and other schemas beside them."""
    build.prepare_candidate(settings)
    connection = duckdb.connect(str(settings.candidate))
    connection.execute(
        f"""
        CREATE SCHEMA marts; CREATE SCHEMA staging; CREATE SCHEMA intermediate;
        CREATE TABLE intermediate.big AS SELECT range AS a, repeat('x', 50) || range AS b FROM range(200000);
        CREATE VIEW staging.stg_a AS SELECT 1 AS a;
        CREATE TABLE marts.fct_a AS SELECT {mark} AS mark, range AS n FROM range(1000);
        CREATE TABLE marts.fct_b AS SELECT {mark} AS mark;
        CREATE VIEW marts.v_c AS SELECT mark, count(*) AS n FROM marts.fct_a GROUP BY ALL;
        COMMENT ON TABLE marts.fct_a IS 'One row per n. 企业''s';
        COMMENT ON COLUMN marts.fct_a.n IS 'the number';
        COMMENT ON VIEW marts.v_c IS 'One row per mark.';
        COMMENT ON COLUMN marts.v_c.n IS 'counted';
        CREATE MACRO marts.twice(a) AS a * 2;
        CREATE MACRO marts.rows_of(m) AS TABLE SELECT * FROM marts.fct_a WHERE mark = m;
        COMMENT ON MACRO marts.twice IS 'Doubles.';
        """
    )
    connection.close()
    node = NodeResult("model.tew.fct_a", "fct_a", "model", "success", 0.1)
    result = BuildResult(ok=True, seconds=0.1, nodes=[node], position="1:1:0:0")
    build.write_json(build.result_file(settings), result.as_dict())
    return result


def published(settings: Settings, mark: int = 0) -> str:
    return publish.publish(settings, make_candidate(settings, mark))


def test_a_version_holds_marts_alone_with_comments_and_macros(home: Settings) -> None:
    version = published(home)
    folder = home.published / version
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "warehouse.duckdb"]
    assert not home.candidate.exists()
    header = (folder / "warehouse.duckdb").read_bytes()[:20]
    assert (header[8:12], int.from_bytes(header[12:20], "little")) == (b"DUCK", 64)
    connection = duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True)
    assert connection.execute("SELECT schema_name, table_name, comment FROM duckdb_tables() ORDER BY 2").fetchall() == [
        ("marts", "fct_a", "One row per n. 企业's"),
        ("marts", "fct_b", None),
        ("marts", "v_c", "One row per mark."),
    ]
    assert connection.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone() == (0,)
    comments = "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL ORDER BY 1"
    assert connection.execute(comments).fetchall() == [("fct_a", "n", "the number"), ("v_c", "n", "counted")]
    macro = "SELECT comment FROM duckdb_functions() WHERE function_name = 'twice'"
    assert connection.execute(macro).fetchone() == ("Doubles.",)
    assert connection.execute("SELECT marts.twice(4), count(*) FROM marts.rows_of(0)").fetchone() == (8, 1000)
    schemas = "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database() AND NOT internal"
    assert ("staging",) not in connection.execute(schemas).fetchall()
    connection.close()
    manifest = pointer.read_manifest(home, version)
    assert manifest is not None
    assert manifest["rows"] == {"fct_a": 1000, "fct_b": 1, "v_c": 1}
    assert manifest["sha256"] == publish._sha256(folder / "warehouse.duckdb")
    # what other schemas had filled is given back
    assert manifest["size_bytes"] < 2_500_000


@pytest.mark.parametrize("status", ["error", "fail"])
def test_what_did_not_pass_is_not_published(home: Settings, status: str) -> None:
    before = published(home)
    result = make_candidate(home, 1)
    result.ok = False
    result.nodes.append(
        NodeResult("test.tew.t", "sum_of_townships", "test", status, 0.1, "Got 3 results", 3, "error", [{"unit": "X"}])
    )
    with pytest.raises(PublishRefused, match="sum_of_townships") as refused:
        publish.publish(home, result)
    assert "'unit': 'X'" in str(refused.value)
    assert pointer.current_version(home) == before
    assert publish.version_names(home) == [before]


def test_no_candidate_no_version(home: Settings) -> None:
    with pytest.raises(PublishRefused):
        publish.publish(home)
    result = make_candidate(home)
    publish.publish(home, result)
    with pytest.raises(PublishRefused):
        publish.publish(home, result)


def test_names_sort_though_the_clock_is_set_back_and_are_never_used_twice(home: Settings) -> None:
    first = published(home)
    earlier = publish.next_version(home, datetime(2001, 1, 1))
    assert earlier > first
    shutil.rmtree(home.published)
    assert publish.next_version(home, datetime(2001, 1, 1)) == earlier


def test_rollback_moves_the_pointer_alone_and_the_next_version_goes_on(home: Settings) -> None:
    first, second = published(home, 1), published(home, 2)
    assert [version.name for version in publish.versions(home)] == [second, first]
    assert publish.rollback(home, first) == second
    assert (pointer.current_version(home), pointer.base_version(home)) == (first, second)
    assert [version.is_current for version in publish.versions(home)] == [False, True]
    with pytest.raises(NothingPublished, match="no version"):
        publish.rollback(home, "../elsewhere")
    third = published(home, 3)
    assert third > second
    assert (pointer.current_version(home), pointer.base_version(home)) == (third, third)


def test_retention_keeps_the_served_version_and_newer_ones(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", keep_versions=2)
    names = [published(settings, number) for number in range(4)]
    assert publish.version_names(settings) == names[2:]
    publish.rollback(settings, names[2])
    fifth, sixth = published(settings, 4), published(settings, 5)
    assert publish.version_names(settings) == [fifth, sixth]
    publish.rollback(settings, fifth)
    assert publish.retain(settings) == []


def test_leftovers_of_a_killed_publication_are_cleared(home: Settings) -> None:
    version = published(home)
    (home.published / ".20990101T000000Z-000009.new").mkdir()
    (home.published / ".20990101T000000Z-000009.new" / "warehouse.duckdb").write_bytes(b"half")
    assert publish.version_names(home) == [version]
    published(home)
    assert [path for path in home.published.iterdir() if path.name.startswith(".")] == []


def test_reader_says_when_nothing_is_published(home: Settings) -> None:
    reader = PublishedReader(home)
    assert reader.version() is None
    with pytest.raises(NothingPublished):
        reader.query("SELECT 1")
    home.current.parent.mkdir(parents=True)
    home.current.write_text("../../etc\n")
    assert reader.version() is None
    with pytest.raises(NothingPublished):
        reader.query("SELECT 1")


def test_reader_follows_survives_deletion_and_is_confined(home: Settings, tmp_path: Path) -> None:
    reader = PublishedReader(home)
    first = published(home, 1)
    assert reader.query("SELECT DISTINCT mark FROM marts.fct_a") == (["mark"], [(1,)])
    assert reader.query("SELECT $m + 1 AS x", {"m": 1}) == (["x"], [(2,)])
    assert reader.manifest()["version"] == first == reader.version()
    published(home, 2)
    assert reader.query("SELECT mark FROM marts.fct_b")[1] == [(2,)]
    shutil.rmtree(home.published / pointer.current_version(home))  # type: ignore[operator]
    assert reader.query("SELECT mark FROM marts.fct_b")[1] == [(2,)]
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(duckdb.Error):
        reader.query(f"SELECT * FROM read_csv('{secret}')")
    with pytest.raises(duckdb.Error):
        reader.query("SET memory_limit = '100GB'")
    with pytest.raises(duckdb.Error):
        reader.query("CREATE TABLE marts.x AS SELECT 1")


def test_reader_spills_within_its_memory_limit(home: Settings) -> None:
    published(home)
    reader = PublishedReader(home, memory_limit="80MB", threads=1)
    rows = reader.query(
        "SELECT count(*) FROM (SELECT DISTINCT hash(range) % 9000000, range::VARCHAR FROM range(2000000))"
    )
    assert rows[1] == [(2_000_000,)]
    assert list(home.published.rglob("*.tmp")) == []


def test_eight_threads_read_while_versions_switch(home: Settings) -> None:
    """No torn pair, no error, and every reader gets to the last version."""
    published(home, 0)
    reader = PublishedReader(home)
    stop = threading.Event()
    problems: list[object] = []
    counts = [0] * 8
    marks: list[set[int]] = [set() for _ in range(8)]

    def read(number: int) -> None:
        while not stop.is_set():
            try:
                _, rows = reader.query(
                    "SELECT (SELECT max(mark) FROM marts.fct_a), (SELECT min(mark) FROM marts.fct_a), "
                    "(SELECT mark FROM marts.fct_b), (SELECT mark FROM marts.v_c)"
                )
                if len(set(rows[0])) != 1:
                    problems.append(rows)
                marks[number].add(rows[0][0])
                counts[number] += 1
            except Exception as error:
                problems.append(error)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    last = 12
    for number in range(1, last + 1):
        published(home, number)
        if number % 4 == 0:
            publish.rollback(home, publish.version_names(home)[-2])
            time.sleep(0.05)
            publish.rollback(home, publish.version_names(home)[-1])
    time.sleep(0.3)
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert all(last in seen for seen in marks)
    assert min(counts) > 10


def test_reading_side_imports_neither_dbt_nor_dagster() -> None:
    import subprocess
    import sys

    from dagster_project.settings import PROJECT_ROOT

    code = (
        "import sys; import dagster_project.warehouse.read; "
        "print([m for m in ('dagster', 'dbt', 'dash') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT, check=True)
    assert done.stdout.strip() == "[]"
