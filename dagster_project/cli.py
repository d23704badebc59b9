"""The `tew` command: arguments and exit codes; what the commands do stands in commands/.

Belongs here: declaring commands, turning errors into exit codes. Nothing heavy is imported at the top: `tew --help`,
`tew path` and a refresh with nothing new must answer before Dagster, dbt or DuckDB would be imported.

Exit 0: done. 1: could not be done, and the message says what is at fault and where. 2: the call is wrong.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.commands.texts import CommandError, Texts, note, out

if TYPE_CHECKING:
    from dagster_project.settings import Settings

app = typer.Typer(
    name="tew",
    help="Warehouse and dashboard of a county's Township Enterprise Bureau.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

WaitS = Annotated[float, typer.Option(min=0, help="Seconds to wait where a refresh is at work on this home.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]
# How `tew accept` and `tew explain` name the issue they speak of, and who speaks.
IssueSubmission = Annotated[str, typer.Argument(help="A submission_id of marts.fct_issue, such as S000012.")]
IssueCell = Annotated[str, typer.Argument(help="Address of the cell, such as F12.")]
IssueRule = Annotated[str, typer.Option(help="Rule of the issue, such as V21.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the journal.")]
SaidBy = Annotated[str, typer.Option(help="Who says it.")]
IssueSheet = Annotated[str | None, typer.Option(help="Sheet, where several have the issue at that cell.")]


class Format(StrEnum):
    """How `tew query` prints its rows."""

    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


class Scale(StrEnum):
    """How much `tew demo` writes."""

    county = "county"
    city = "city"
    province = "province"


def _settings() -> Settings:
    from dagster_project.settings import load_settings

    return load_settings()


@app.command()
def up(
    host: Annotated[str, typer.Option(help="Address to listen on; without accounts only this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the dashboard.")] = 8050,
    dagster_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of Dagster's web server.")] = 3000,
) -> None:
    """Run dashboard, Dagster web server and daemon until Ctrl-C; restarts what dies."""
    from dagster_project import supervise

    settings = _settings()
    texts = Texts(settings.seeds)

    def say(key: str, **fields: object) -> None:
        # The two addresses are the result; all else is progress.
        (out if key == "cli.up_ready" else note)(texts.lines(key, **fields))
        sys.stdout.flush()

    supervise.up(settings, host, port, dagster_port, say)


@app.command()
def demo(
    scale: Annotated[Scale, typer.Option(help="How many units.")] = Scale.county,
    months: Annotated[
        int | None, typer.Option(min=1, help="Months, the last one the newest; 36, or 120 for a city or province.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Other figures, the same every time for one seed.")] = None,
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Only where neither inbox nor archive holds a file.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write synthetic workbooks into the inbox, each labelled as synthetic."""
    from dagster_project.commands import demo as command

    try:
        command.run(_settings(), scale.value, months, seed, if_empty=if_empty, as_json=as_json)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def refresh(
    as_json: AsJson = False,
    wait: WaitS = 600.0,
    full: Annotated[
        bool, typer.Option("--full", help="Make every year anew, also where nothing is new; nothing is read again.")
    ] = False,
) -> None:
    """Take in what is new in the inbox, audit, build, test and publish it.

    Years that nothing touched are taken over from the last version (tew compare holds that against a whole build).
    0: published, whatever cells or files were rejected and listed, or nothing was new.
    1: nothing was published; the last version still serves.
    """
    from dagster_project.commands import refresh as command

    command.run(_settings(), as_json=as_json, wait=wait, is_full=full)


@app.command()
def compare(
    as_json: AsJson = False,
    wait: WaitS = 600.0,
) -> None:
    """Make all marts whole beside the published version and say whether every cell is the same; publishes nothing.

    1: they differ; the next refresh then makes everything anew.
    """
    from dagster_project.commands import compare as command

    command.run(_settings(), as_json=as_json, wait=wait)


@app.command()
def rebuild(
    as_json: AsJson = False,
    wait: WaitS = 600.0,
) -> None:
    """Make everything again from archive/, then publish it; the present version serves meanwhile."""
    from dagster_project.commands import refresh as command

    command.run(_settings(), as_json=as_json, wait=wait, is_rebuild=True)


@app.command()
def withdraw(
    submission: Annotated[str, typer.Argument(help="A submission_id of marts.fct_submission, such as S000012.")],
    reason: Reason,
    by: Annotated[str | None, typer.Option(help="Who decided it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take a submission out of force from the next refresh on; it stays in the archive and in the versions."""
    from dagster_project.commands import withdraw as command

    command.run(_settings(), submission, reason, by, as_json=as_json)


@app.command()
def accept(
    submission: IssueSubmission,
    cell: IssueCell,
    rule: IssueRule,
    reason: Reason,
    by: SaidBy,
    sheet: IssueSheet = None,
    as_json: AsJson = False,
) -> None:
    """Accept an issue as it is; an accepted error no longer holds its cell back, from the next refresh on."""
    from dagster_project.commands import act as command

    command.run(_settings(), "accepted", submission, cell, rule, reason, by, sheet, as_json=as_json)


@app.command()
def explain(
    submission: IssueSubmission,
    cell: IssueCell,
    rule: IssueRule,
    reason: Reason,
    by: SaidBy,
    sheet: IssueSheet = None,
    as_json: AsJson = False,
) -> None:
    """Say why a figure is right although a rule doubts it; the issue stays open."""
    from dagster_project.commands import act as command

    command.run(_settings(), "explained", submission, cell, rule, reason, by, sheet, as_json=as_json)


ClosedPeriod = Annotated[str, typer.Argument(help="The month, YYYY-MM.", metavar="PERIOD")]


@app.command()
def approve(period: ClosedPeriod, by: SaidBy, as_json: AsJson = False) -> None:
    """Approve a month as the serving version shows it."""
    from dagster_project.commands import months as command

    command.approve(_settings(), _month(period, "PERIOD"), by, as_json=as_json)


@app.command()
def close(
    period: ClosedPeriod,
    by: SaidBy,
    approved_by: Annotated[str | None, typer.Option(help="Who approves it, where that was not said before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Freeze an approved month with its version, which is kept for good; what changes later is listed."""
    from dagster_project.commands import months as command

    command.close(_settings(), _month(period, "PERIOD"), by, approved_by, as_json=as_json)


@app.command()
def reopen(period: ClosedPeriod, reason: Reason, by: SaidBy, as_json: AsJson = False) -> None:
    """Open a closed month again, with a reason; its frozen version stays."""
    from dagster_project.commands import months as command

    command.reopen(_settings(), _month(period, "PERIOD"), reason, by, as_json=as_json)


@app.command()
def months(as_json: AsJson = False) -> None:
    """List what was decided about each month: approved, closed with which version, reopened and why."""
    from dagster_project.commands import months as command

    command.print_all(_settings(), as_json=as_json)


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="Workbooks to read and judge.", metavar="FILE")],
    as_json: AsJson = False,
    returned: Annotated[
        Path | None,
        typer.Option(help="Folder to write each workbook back to, with its faulty cells marked.", file_okay=False),
    ] = None,
) -> None:
    """Read and audit workbooks as a refresh would, without loading them.

    1 where a workbook has errors or cannot be read.
    """
    from dagster_project.commands import check as command

    raise typer.Exit(command.run(_settings(), files, as_json=as_json, returned=returned))


def _month(text: str, hint: str = "--period") -> date:
    """YYYY-MM as the month's first day; exit 2 on anything else."""
    try:
        return datetime.strptime(text, "%Y-%m").date()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a month such as 2026-03", param_hint=hint) from None


def _day(text: str) -> date:
    """YYYY-MM-DD; exit 2 on anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day such as 2026-03-31", param_hint="DAY") from None


@app.command()
def template(
    form: Annotated[str, typer.Argument(help="Code of the form, such as TE-M1.", metavar="FORM")],
    unit: Annotated[str, typer.Option(help="Code or full name: the county, a township, an enterprise.")],
    period: Annotated[str, typer.Option(help="Month, YYYY-MM.")],
    prefilled: Annotated[
        bool, typer.Option("--prefilled", help="With last month's and last year's figures of the published version.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write it; default: a name of its own.", dir_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a form to fill in: names, codes, drop-downs, live checks."""
    from dagster_project.commands import template as command

    command.run(_settings(), form, unit, _month(period), prefilled=prefilled, output=output, as_json=as_json)


@app.command()
def bulletin(
    period: Annotated[str, typer.Option(help="Month, YYYY-MM.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write it; default: a file named by its title.", dir_okay=False),
    ] = None,
    address: Annotated[
        str, typer.Option(help="Address of the dashboard that figures link to.")
    ] = "http://127.0.0.1:8050",
    version: Annotated[
        str | None, typer.Option(help="Version to make it from; default: a closed month's own, else the serving one.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="With what was known at the end of that day, YYYY-MM-DD (UTC).")
    ] = None,
    external: Annotated[
        bool, typer.Option("--external", help="For others: figures that identify one enterprise are left out.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the monthly bulletin (Word); a sentence whose number is missing is left out and told."""
    from dagster_project.commands import bulletin as command

    day = None if as_of is None else _day(as_of)
    command.run(
        _settings(), _month(period), output, address, version=version, as_of=day, external=external, as_json=as_json
    )


@app.command()
def proof(
    period: Annotated[str, typer.Option(help="Month, YYYY-MM.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write it; default: a name of its own.", dir_okay=False),
    ] = None,
    address: Annotated[
        str, typer.Option(help="Address of the dashboard that figures link to.")
    ] = "http://127.0.0.1:8050",
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="With what was known at the end of that day, YYYY-MM-DD (UTC).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a month's proof package: tables, bulletin, DuckDB file, reference data, sources, a page to open."""
    from dagster_project.commands import proof as command

    day = None if as_of is None else _day(as_of)
    command.run(_settings(), _month(period), output, address, as_of=day, as_json=as_json)


@app.command("new-year")
def new_year(
    year: Annotated[int, typer.Argument(min=1990, max=2200, help="The year that begins.", metavar="YYYY")],
    write: Annotated[
        bool, typer.Option("--write", help="Write the CSV files; otherwise only say what would be.")
    ] = False,
    targets: Annotated[
        Path | None,
        typer.Option(help="Write last year's targets there, as a table to fill in and hand in.", dir_okay=False),
    ] = None,
) -> None:
    """Carry last year's schemes, plan tables, forms and targets into a new year; list what must be decided."""
    from dagster_project.commands import new_year as command

    command.run(_settings(), year, write=write, targets=targets)


@app.command()
def upgrade(
    write: Annotated[
        bool, typer.Option("--write", help="Write the CSV files; otherwise only say what is missing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """After a new program was installed: add to the reference folder what it does not have yet."""
    from dagster_project.commands import upgrade as command

    command.run(_settings(), write=write, as_json=as_json)


@app.command("dictionary")
def dictionary_(
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    folder: Annotated[
        Path | None, typer.Option(help="Write dictionary.zh.md and dictionary.en.md there instead.", file_okay=False)
    ] = None,
) -> None:
    """Print the data dictionary as Markdown, from reference data."""
    from dagster_project.commands import dictionary as command

    command.run(_settings(), lang, folder)


@app.command("docs")
def docs_(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write it.", dir_okay=False)] = Path(
        "tables.html"
    ),
) -> None:
    """Write what every table and column of the published version means and comes from (HTML, needs no network)."""
    from dagster_project.commands import docs as command

    command.run(_settings(), output)


@app.command("map")
def map_(
    file: Annotated[Path, typer.Argument(help="Workbook of an unknown layout.", metavar="FILE")],
    accept: Annotated[bool, typer.Option("--accept", help="Keep the mapping; the next refresh reads by it.")] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="COLUMN=CODE or COLUMN=- (leave it out); an item by its name.", metavar="COLUMN=CODE"
        ),
    ] = None,
    unit_column: Annotated[str | None, typer.Option(help="Column that names the units of the rows.")] = None,
    by: Annotated[str | None, typer.Option(help="Who confirms it; kept in the journal.")] = None,
    as_json: AsJson = False,
) -> None:
    """Propose what a workbook of unknown layout says; with --accept, keep it."""
    from dagster_project.commands import map as command

    command.run(
        _settings(), file, accept=accept, changes=changes or (), unit_column=unit_column, by=by, as_json=as_json
    )


@app.command()
def query(
    sql: Annotated[
        str, typer.Argument(help="One SQL statement on schema marts, or a .sql file with one.", metavar="SQL")
    ],
    output_format: Annotated[Format, typer.Option("--format", help="How to print the rows.")] = Format.table,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write instead of printing; CSV then opens in Excel.", dir_okay=False
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="On the marts as they stood at the end of that day, YYYY-MM-DD (UTC)."),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="On an earlier version: one of `tew versions`, or that of a closed month.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Query the published version, read-only."""
    from dagster_project.commands import query as command

    chosen = Format.json if as_json else output_format
    if chosen is Format.parquet and output is None:
        raise typer.BadParameter("parquet is written to a file: add --output FILE", param_hint="--format")
    if version is not None and as_of is not None:
        raise typer.BadParameter("a version shows what it was made with: leave one of both out", param_hint="--version")
    day = None if as_of is None else _day(as_of)
    command.run(_settings(), sql, chosen.value, output, as_of=day, version=version)


@app.command("as-of")
def as_of_(
    day: Annotated[str, typer.Argument(help="The day, YYYY-MM-DD (UTC).", metavar="DAY")],
    wait: WaitS = 600.0,
    as_json: AsJson = False,
) -> None:
    """Make the marts as they stood at the end of a day, beside the published version; prints their file."""
    from dagster_project.commands import as_of as command

    command.run(_settings(), _day(day), wait, as_json=as_json)


@app.command()
def names(
    name: Annotated[str | None, typer.Option(help="A name as a workbook writes it.")] = None,
    means: Annotated[str | None, typer.Option("--is", help="Code of the township or enterprise meant.")] = None,
    by: Annotated[str | None, typer.Option(help="Who says so.")] = None,
    as_json: AsJson = False,
) -> None:
    """List names that no register knows; with --name and --is, keep what one means."""
    from dagster_project.commands import names as command

    command.run(_settings(), name, means, by, as_json=as_json)


@app.command()
def changes(
    county: Annotated[str | None, typer.Option(help="Six digits of the county; your own by default.")] = None,
    year: Annotated[int | None, typer.Option(min=1949, max=2200, help="Only events of this year.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what registers of unit changes tell of your county, as reference rows to take over."""
    from dagster_project.commands import changes as command

    command.run(_settings(), county, year, as_json=as_json)


@app.command()
def trace(
    indicator: Annotated[str, typer.Option(help="Code of the indicator, such as TE01.")],
    unit: Annotated[str, typer.Option(help="Code or full name: the county, a township, an enterprise.")],
    period: Annotated[str, typer.Option(help="Month, YYYY-MM.")],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Only cells in force at the end of that day, YYYY-MM-DD (UTC).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the cells behind one figure: file, sheet, cell, text, unit, factor, submission."""
    from dagster_project.commands import trace as command

    day = None if as_of is None else _day(as_of)
    command.run(_settings(), indicator, unit, _month(period), day, as_json=as_json)


@app.command()
def path(as_json: AsJson = False) -> None:
    """Print the published warehouse's file."""
    from dagster_project.commands import versions as command

    command.print_path(_settings(), as_json=as_json)


@app.command()
def versions(as_json: AsJson = False) -> None:
    """List the published versions, newest first; * marks the one that serves."""
    from dagster_project.commands import versions as command

    command.print_versions(_settings(), as_json=as_json)


@app.command()
def rollback(
    version: Annotated[str, typer.Argument(help="A version of `tew versions`.")],
    as_json: AsJson = False,
) -> None:
    """Serve an earlier version again."""
    from dagster_project.commands import versions as command

    command.rollback(_settings(), version, as_json=as_json)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write, such as tew-2026-11.zip.", metavar="FILE")],
    as_json: AsJson = False,
) -> None:
    """Archive, reference data and accounts in one file; tew rebuild makes the rest again."""
    from dagster_project.commands import backup as command

    command.backup(_settings(), file, as_json=as_json)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file of tew backup.", metavar="FILE")], as_json: AsJson = False
) -> None:
    """Put a backup into an empty home; then run tew rebuild."""
    from dagster_project.commands import backup as command

    command.restore(_settings(), file, as_json=as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check hashes, versions, disk, permissions; 1 where a person must mend something."""
    from dagster_project.commands import doctor as command

    raise typer.Exit(command.run(_settings(), as_json=as_json))


users = typer.Typer(no_args_is_help=True, help="Accounts: who may sign in, with which role.", rich_markup_mode=None)
app.add_typer(users, name="user")
AccountName = Annotated[str, typer.Argument(help="Name of the account.", metavar="NAME")]


@users.command("add")
def user_add(
    name: AccountName,
    role: Annotated[str, typer.Option(help="A role of access_roles.csv, such as leader or township_reporter.")],
    unit: Annotated[str | None, typer.Option(help="Township code or enterprise id, where the role has one.")] = None,
    subject: Annotated[
        list[str] | None, typer.Option(help="Subject of a section (access_subjects.csv); may be given again.")
    ] = None,
    person: Annotated[str | None, typer.Option(help="The person's own name.")] = None,
    outside: Annotated[
        bool, typer.Option("--outside", help="Signs in through the proxy or the provider alone: no password.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add an account; the password is asked for, or read from stdin."""
    from dagster_project.commands import user as command

    command.add(_settings(), name, role, unit, subject or (), person, is_outside=outside, as_json=as_json)


@users.command("list")
def user_list(as_json: AsJson = False) -> None:
    """List the accounts."""
    from dagster_project.commands import user as command

    command.print_all(_settings(), as_json=as_json)


@users.command("remove")
def user_remove(name: AccountName, as_json: AsJson = False) -> None:
    """Remove an account; its sessions end at once."""
    from dagster_project.commands import user as command

    command.remove(_settings(), name, as_json=as_json)


@users.command("password")
def user_password(name: AccountName, as_json: AsJson = False) -> None:
    """Set a new password, asked for or read from stdin."""
    from dagster_project.commands import user as command

    command.password(_settings(), name, as_json=as_json)


alerts = typer.Typer(no_args_is_help=True, help="Alerts by webhook and mail (alerts.toml).", rich_markup_mode=None)
app.add_typer(alerts, name="alert")


@alerts.command("test")
def alert_test(
    channels: Annotated[
        list[str] | None, typer.Argument(help="Names of channels; all by default.", metavar="CHANNEL")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a trial message over the channels of alerts.toml; 1 where one does not take it."""
    from dagster_project.commands import alert as command

    raise typer.Exit(command.test(_settings(), channels or (), as_json=as_json))


@alerts.command("due")
def alert_due(
    day: Annotated[str | None, typer.Option(help="As on this day, YYYY-MM-DD; default: today.")] = None,
    send: Annotated[bool, typer.Option("--send", help="Tell the channels, where today is a day of reminders.")] = False,
    as_json: AsJson = False,
) -> None:
    """List what is due or overdue and who has not reported."""
    from dagster_project.commands import alert as command

    chosen = None if day is None else _day(day)
    raise typer.Exit(command.reminders(_settings(), chosen, send_them=send, as_json=as_json))


@app.command()
def log(
    act: Annotated[str | None, typer.Option(help="One kind of act, such as sign_in_failed.")] = None,
    user: Annotated[str | None, typer.Option(help="One account.")] = None,
    since: Annotated[str | None, typer.Option(help="From this day on, YYYY-MM-DD.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Search the activity log: sign-ins, failures, exports, uploads, account changes."""
    from dagster_project.commands import user as command

    command.print_log(_settings(), act, user, since, limit, as_json=as_json)


def _tell(zh: str, en: str, key: str | None, as_json: bool) -> None:
    """An error in both languages to stderr; with --json as an object to stdout too."""
    note(zh if zh == en else f"{zh}\n{en}")
    if as_json:
        error = {"key": key, "message_zh": zh, "message_en": en}
        out(json.dumps({"status": "failed", "error": error}, ensure_ascii=False))


# Full, over its quota, read-only, damaged.
DISK_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG}


def _explain(error: Exception, as_json: bool) -> None:
    """Say what is at fault: in words of our own where the error is one of ours, with its traceback otherwise."""
    from dagster_project.commands.refresh import RefreshFailed
    from dagster_project.reference import ReferenceError
    from dagster_project.warehouse.errors import WarehouseError

    if isinstance(error, RefreshFailed):
        # Its report was printed as JSON already.
        _tell(error.report.reason_zh or "", error.report.reason_en or "", None, as_json=False)
        return
    if isinstance(error, WarehouseError):
        _tell(error.message_zh, error.message_en, error.key, as_json)
        return
    if isinstance(error, CommandError):
        key, fields = error.key, error.fields
    elif isinstance(error, ReferenceError):
        key, fields = "cli.reference_error", {"problem": error}
    elif isinstance(error, OSError) and error.errno in DISK_FAULTS:
        # Before any step, such as at the lock: a full or read-only disk is no fault of the program.
        words = WarehouseError("warehouse.disk", step=(sys.argv[1:] or ["tew"])[0], error=str(error))
        _tell(words.message_zh, words.message_en, words.key, as_json)
        return
    elif type(error).__module__.startswith(("sqlalchemy.", "sqlite3")) and type(error).__name__ == "OperationalError":
        # Dagster's run storage could not be written: full or read-only disk, said as for every other file of ours.
        words = WarehouseError("warehouse.disk", step="dagster", error=str(error).splitlines()[0])
        _tell(words.message_zh, words.message_en, words.key, as_json)
        return
    else:
        import traceback

        note("".join(traceback.format_exception(error)))
        key, fields = "cli.unexpected", {"error": f"{type(error).__name__}: {error}"}
    texts = Texts(_settings().seeds)
    _tell(*texts.pair(key, **fields), key, as_json)
    if isinstance(error, ReferenceError):
        # Not part of that row: an older deployment words it without.
        note(texts.lines("upgrade.hint"))


def main() -> None:
    """Entry point of the `tew` script."""
    for stream in (sys.stdout, sys.stderr):
        # A console of another code page must not turn a Chinese name into an error.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; the interpreter must not try to flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        _explain(error, as_json="--json" in sys.argv)
        sys.exit(1)


if __name__ == "__main__":
    main()
