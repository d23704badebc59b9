"""Alerts against local receivers: formats, signatures, retries, once per event, no secret in any word of ours."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dagster_project.alerts import channels, due, send, texts
from dagster_project.alerts.formats import MAX_BYTES, Message, cut, dingtalk_sign, feishu_sign
from dagster_project.commands import alert
from dagster_project.reference import load_reference
from dagster_project.settings import Settings
from dagster_project.warehouse.archive import utc_now
from dagster_project.warehouse.errors import WarehouseError
from tests.alerts import receivers
from tests.program import tew

SECRET = "SECRETsecret0123"
KEY = "key-of-the-robot-77"


@pytest.fixture
def web() -> Iterator[receivers.Web]:
    with receivers.web() as server:
        yield server


def configure(home: Settings, text: str) -> None:
    path = channels.path(home)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def webhook(kind: str, url: str, extra: str = "") -> str:
    return f'[[channel]]\nname = "{kind}"\nkind = "{kind}"\nurl = "{url}"\n{extra}\n'


def said(lang: str, _address: str) -> Message:
    return Message(f"title {lang}", ("one", "two"), "http://here/")


def quickly(settings: Settings, key: str, event: str = "failed") -> send.Sent:
    return send.tell(settings, event, key, said, pause=lambda _seconds: None)


def test_each_service_gets_its_own_format_and_signature(home: Settings, web: receivers.Web) -> None:
    web.answers = [(200, {"errcode": 0}), (200, {"errcode": 0}), (200, {"code": 0, "msg": "success"})]
    configure(
        home,
        webhook("wecom", web.url(f"/cgi-bin/webhook/send?key={KEY}"))
        + webhook("dingtalk", web.url(f"/robot/send?access_token={KEY}"), f'secret = "{SECRET}"')
        + webhook("feishu", web.url(f"/open-apis/bot/v2/hook/{KEY}"), f'secret = "{SECRET}"\nlang = "en"'),
    )
    assert quickly(home, "a").sent == ["wecom", "dingtalk", "feishu"]
    (_, wecom), (address, dingtalk), (_, feishu) = web.got
    assert wecom == {"msgtype": "markdown", "markdown": {"content": "**title zh**\none\ntwo\nhttp://here/"}}
    assert dingtalk["msgtype"] == "markdown" and dingtalk["markdown"]["title"] == "title zh"
    query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
    stamp = query["timestamp"]
    wanted = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
    assert len(stamp) == 13 and base64.b64decode(query["sign"]) == wanted and query["access_token"] == KEY
    assert feishu["msg_type"] == "text" and feishu["content"]["text"].startswith("title en\none")
    signed = hmac.new(f"{feishu['timestamp']}\n{SECRET}".encode(), digestmod=hashlib.sha256).digest()
    assert len(feishu["timestamp"]) == 10 and base64.b64decode(feishu["sign"]) == signed


def test_signatures_are_those_of_the_makers_documents() -> None:
    # Worked by hand with openssl: HMAC-SHA256 of "1700000000000\nSECabc" under "SECabc"; of "" under "1700000000\nabc".
    assert dingtalk_sign("SECabc", 1_700_000_000_000) == "jcUpW0QmtKduN03n4JqQ0PBosVjqnM8gU7fIIvsDmCM%3D"
    assert feishu_sign("abc", 1_700_000_000) == "VIS10b0EBvzzSdFnuk4tznEmK5wHaruvf/WnViv2yR4="


def test_a_passing_fault_is_tried_again_and_a_refusal_is_not(home: Settings, web: receivers.Web) -> None:
    configure(home, webhook("wecom", web.url(f"/?key={KEY}")))
    web.answers = [(503, {}), (429, {}), (200, {"errcode": 0})]
    assert quickly(home, "a").sent == ["wecom"] and len(web.got) == 3
    web.got.clear()
    web.answers = [(200, {"errcode": 93000, "errmsg": f"invalid webhook url {KEY}"})]
    done = quickly(home, "b")
    assert len(web.got) == 1 and "93000" in done.failed["wecom"] and KEY not in done.failed["wecom"]
    # A service that sends us elsewhere is not followed: the address is the secret.
    web.got.clear()
    web.answers = [(302, {})]
    assert "HTTP 302" in quickly(home, "c").failed["wecom"] and len(web.got) == 1


def test_one_message_per_event_and_a_failing_channel_is_given_up(home: Settings, web: receivers.Web) -> None:
    configure(home, webhook("wecom", web.url("/w")) + webhook("feishu", "http://127.0.0.1:9/x"))
    for _ in range(send.MAX_ATTEMPTS):
        done = quickly(home, "run 1")
        assert list(done.failed) == ["feishu"]
    assert len(web.got) == 1, "the channel that took it is not told again"
    done = quickly(home, "run 1")
    assert (done.already, done.given_up, done.failed) == (["wecom"], ["feishu"], {})
    later = utc_now() + timedelta(days=send.FORGET_DAYS + 1)
    assert send.tell(home, "failed", "run 1", said, pause=lambda _s: None, now=later).sent == ["wecom"]
    assert quickly(home, "x", event="due").sent == ["wecom"]
    configure(home, webhook("wecom", web.url("/w"), 'events = ["failed"]'))
    assert quickly(home, "y", event="due") == send.Sent()


def test_mail(home: Settings) -> None:
    with receivers.mail() as server:
        configure(
            home,
            f'[[channel]]\nname = "post"\nkind = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\n'
            'sender = "tew@bureau.example"\nto = ["li@bureau.example", "wang@bureau.example"]\n',
        )
        server.refusals = [b"451 later"]
        assert quickly(home, "a").sent == ["post"]
        ((sender, to, text),) = server.got
        assert sender == "tew@bureau.example" and to == ["li@bureau.example", "wang@bureau.example"]
        read = email.message_from_string(text, policy=email.policy.default)
        assert read["Subject"] == "title zh" and "one\r\ntwo" in read.get_content()
        server.refusals = [b"550 no such user"]
        assert quickly(home, "b").failed == {"post": "SMTP 550"}


def test_no_secret_is_told(home: Settings, web: receivers.Web, capsys: pytest.CaptureFixture[str]) -> None:
    configure(
        home,
        webhook("dingtalk", f"http://127.0.0.1:9/robot/send?access_token={KEY}", f'secret = "{SECRET}"')
        + '[[channel]]\nname = "post"\nkind = "smtp"\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\n'
        f'sender = "a@b"\nto = ["c@d"]\nuser = "u"\npassword = "{SECRET}"\n',
    )
    done = tew(home, "alert", "test", "--json")
    assert done.returncode == 1 and set(json.loads(done.stdout)["failed"]) == {"dingtalk", "post"}
    quickly(home, "a")
    kept = send.memory(home).read_text(encoding="utf-8")
    for text in (done.stdout, done.stderr, kept, repr(channels.load(home)), str(capsys.readouterr())):
        assert KEY not in text and SECRET not in text
    doctor = tew(home, "doctor")
    assert SECRET not in doctor.stdout and "alerts.toml" in doctor.stdout
    channels.path(home).chmod(0o644)
    assert "alerts.toml" in "".join(line for line in tew(home, "doctor").stdout.splitlines() if line.startswith("✗"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[[channel]\n", "alert.file"),
        ('[[channel]]\nname = "a"\nkind = "pigeon"\n', "alert.channel"),
        ('[[channel]]\nname = "a"\nkind = "wecom"\n', "alert.channel"),
        ('[[channel]]\nname = "a"\nkind = "wecom"\nurl = "ftp://x"\n', "alert.channel"),
        ('[[channel]]\nname = "a"\nkind = "wecom"\nurl = "https://x"\nsecert = "x"\n', "alert.channel"),
        ('[[channel]]\nname = "a"\nkind = "smtp"\nhost = "x"\nsender = "a@b"\nto = "c@d"\n', "alert.channel"),
        ('[[channel]]\nkind = "wecom"\nurl = "https://x"\nevents = ["all"]\n', "alert.channel"),
    ],
)
def test_a_wrong_file_is_told_by_channel_and_key(home: Settings, text: str, key: str) -> None:
    configure(home, text)
    with pytest.raises(WarehouseError) as refused:
        channels.load(home)
    assert refused.value.key == key
    assert tew(home, "alert", "test").returncode == 1


def test_without_a_file_nobody_is_told(home: Settings) -> None:
    assert quickly(home, "a") == send.Sent() and not send.memory(home).exists()
    assert tew(home, "alert", "test").returncode == 1, "but a trial says that there is nothing to try"


def test_long_texts_are_cut_between_lines() -> None:
    short = cut("\n".join("x" * 50 for _ in range(500)))
    assert len(short.encode()) <= MAX_BYTES and short.endswith("x\n…")


def test_due_days(home: Settings) -> None:
    reference = load_reference(home.seeds)
    assert due.due_day({"due_day": 31, "due_month_offset": 1}, date(2026, 1, 1)) == date(2026, 2, 28)
    found = due.dated(reference, date(2026, 11, 6), -2, 2)
    assert ("CO-M1", date(2026, 10, 1), date(2026, 11, 5)) in [(form["form_code"], m, d) for form, m, d in found]
    assert ("TE-M1", date(2026, 10, 1), date(2026, 11, 8)) in [(form["form_code"], m, d) for form, m, d in found]


def test_who_has_not_reported_is_reminded_once_a_day(small_home: Settings, web: receivers.Web) -> None:
    configure(small_home, 'address = "http://bureau"\n' + webhook("wecom", web.url("/w"), 'lang = "en"'))
    reference = load_reference(small_home.seeds)
    owed = due.owed(small_home, reference, due.dated(reference, date(2026, 11, 10), -31, 0))
    newest = max(entry.period for entry in owed)
    # A month that nobody has sent yet: everybody owes it, and the reminder names them.
    following = due.add_months(newest, 1)
    form = next(row for row in due.monthly_forms(reference) if row["form_code"] == "TE-M1")
    day = due.due_day(form, following)
    all_owe = due.owed(small_home, reference, [(form, following, day)])[0]
    assert all_owe.expected == len(all_owe.silent) >= 10
    assert alert.remind(small_home, day).sent == ["wecom"]
    text = web.got[0][1]["markdown"]["content"]
    assert f"{following:%Y-%m}, due today" in text and all_owe.silent_names("en")[0] in text
    assert "http://bureau/submissions?lang=en" in text
    assert alert.remind(small_home, day).already == ["wecom"] and len(web.got) == 1
    assert alert.remind(small_home, day + timedelta(days=3)) == send.Sent(), "no day of reminders"


def test_texts_of_failures_and_errors(home: Settings) -> None:
    made = texts.failed(home, "refresh", "2026-11-24 06:00", "x.xlsx: broken\n\nnext", "abcdef1234")("en", "")
    assert "refresh" in made.title and made.lines[0] == "x.xlsx: broken" and "abcdef12" in made.lines[-1]
    counts = {"submissions": 3, "errors": 2, "warnings": 1, "quarantined": 2, "rejected": 9}
    files = [f"f{number}.xlsx" for number in range(9)]
    told = texts.errors(home, "v1", counts, files)("zh", "http://bureau")
    assert told.link == "http://bureau/quality?lang=zh" and "2" in told.title and len(told.lines) == 10


def test_the_file_is_no_part_of_a_backup(small_home: Settings, tmp_path: Path) -> None:
    configure(small_home, webhook("wecom", f"https://x/?key={KEY}"))
    target = tmp_path / "backup.zip"
    assert tew(small_home, "backup", str(target)).returncode == 0
    assert KEY.encode() not in target.read_bytes()
