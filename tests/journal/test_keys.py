from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from drillbook.core.errors import Damaged, Refused
from drillbook.engine.journal import open_journal
from drillbook.engine.journal.keys import existing_key, own_key, public_pem, read_public_keys
from journal.conftest import Opener
from journal.samples import entry, fill


def test_the_first_append_makes_the_key_and_reading_makes_none(home: Path) -> None:
    journal = open_journal("sqlite:///x", home)
    list(journal.entries())
    journal.verify()
    assert not (home / "keys").exists()

    journal.append(entry())

    key = home / "keys/journal.key"
    assert key.stat().st_mode & 0o777 == 0o600
    files = list(home.glob("journal.db*"))
    assert len(files) == 3
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in files)
    public = (home / "keys/journal.pub").read_text()
    assert list(read_public_keys(public)) == [own_key(home).id]
    assert "PRIVATE" not in public
    journal.close()


def test_first_uses_at_once_make_one_key(home: Path) -> None:
    barrier = Barrier(8)

    def use(_: int) -> str:
        barrier.wait()
        return own_key(home).id

    with ThreadPoolExecutor(8) as pool:
        names = set(pool.map(use, range(8)))

    assert len(names) == 1
    assert sorted(one.name for one in (home / "keys").iterdir()) == ["journal.key", "journal.pub"]


def test_every_hosts_key_is_introduced_in_the_log_itself(database_url: str, tmp_path: Path) -> None:
    hosts = [open_journal(database_url, tmp_path / name) for name in ("a", "b", "c")]
    for host in (*hosts, *hosts):
        fill(host, 2)

    verified = hosts[0].verify()

    names = [own_key(tmp_path / name).id for name in ("a", "b", "c")]
    assert list(verified.keys) == names
    assert verified.signed_by == names[2]
    assert verified.own_key == names[0]
    assert not verified.is_pinned
    assert [one.task for one in hosts[1].entries("")] == names
    assert hosts[0].public_keys() == "".join(
        public_pem(own_key(tmp_path / name).public) for name in ("a", "b", "c")
    )
    for host in hosts:
        host.close()


def test_a_home_that_lost_its_key_goes_on_with_a_new_one(home: Path) -> None:
    journal = open_journal("sqlite:///x", home)
    fill(journal, 3)
    saved = journal.head()
    journal.close()
    (home / "keys/journal.key").unlink()

    again = open_journal("sqlite:///x", home)
    fill(again, 3)

    verified = again.verify(against=saved)
    assert verified.size == 8
    assert len(verified.keys) == 2
    again.close()


def test_a_home_with_another_key_adopts_a_journal_only_on_demand(
    home: Path, tmp_path: Path
) -> None:
    journal = open_journal("sqlite:///x", home)
    fill(journal, 3)
    journal.close()
    (home / "keys/journal.key").unlink()
    own_key(home)
    moved = open_journal("sqlite:///x", home)
    with pytest.raises(Damaged, match="last signed by key"):
        moved.append(entry())

    moved.adopt()

    assert moved.append(entry()).size == 6
    assert moved.verify().signed_by == own_key(home).id
    moved.close()


def test_adopting_signs_again_when_an_older_key_of_ours_is_back(home: Path) -> None:
    journal = open_journal("sqlite:///x", home)
    fill(journal, 3)
    journal.close()
    older = (home / "keys/journal.key").read_bytes()
    (home / "keys/journal.key").unlink()
    journal = open_journal("sqlite:///x", home)
    fill(journal, 1)
    journal.close()
    (home / "keys/journal.key").write_bytes(older)
    (home / "keys/journal.key").chmod(0o600)
    back = open_journal("sqlite:///x", home)
    with pytest.raises(Damaged, match="which is none of the expected"):
        back.verify()

    back.adopt()

    assert back.verify().size == 6
    back.close()


def test_a_damaged_journal_is_not_adopted(opened: Opener, store_url: str, home: Path) -> None:
    from journal.samples import Attacker

    journal = opened()
    fill(journal, 3)
    with Attacker(store_url, home) as attacker:
        attacker.rewrite(2, b'"number":1', b'"number":7')

    with pytest.raises(Damaged, match="do not add up"):
        journal.adopt()


def test_a_private_key_that_others_can_read_is_refused(home: Path) -> None:
    own_key(home)
    (home / "keys/journal.key").chmod(0o644)

    with pytest.raises(Refused, match="can be read by others \\(mode 0644\\)"):
        existing_key(home)


@pytest.mark.parametrize("content", ["", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n"])
def test_a_private_key_that_is_none_is_damaged_and_never_quoted(home: Path, content: str) -> None:
    own_key(home)
    (home / "keys/journal.key").write_text(content)

    with pytest.raises(Damaged, match="is not an Ed25519 key") as caught:
        existing_key(home)

    assert caught.value.__cause__ is None
    assert "c2VjcmV0" not in str(caught.value)
