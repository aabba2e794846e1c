import threading
import time

import pytest

from marketplace.registers.remote import Manners, NoSuchThing, RemoteJson, RemoteUnavailable
from tests.registers.conftest import Answer, Clock, LocalRegister, RemoteMaker


def test_an_answer_is_remembered(register: LocalRegister, make_remote: RemoteMaker) -> None:
    register.answer = Answer({"name": "Sandvika"})
    remote = make_remote()
    assert remote.get("/a", {"q": "x"}) == remote.get("/a", {"q": "x"}) == {"name": "Sandvika"}
    assert register.asked == [("/a", {"q": "x"})]


def test_a_remembered_answer_grows_old(register: LocalRegister, make_remote: RemoteMaker, clock: Clock) -> None:
    register.answer = Answer(1)
    remote = make_remote(remember_s=10.0)
    remote.get("/a")
    register.answer = Answer(2)
    clock.now_s += 11
    assert remote.get("/a") == 2


def test_the_oldest_answers_make_room(register: LocalRegister, make_remote: RemoteMaker) -> None:
    register.answer = Answer([])
    remote = make_remote(remembered=2)
    for path in ("/a", "/b", "/c", "/a"):
        remote.get(path)
    assert [path for path, _ in register.asked] == ["/a", "/b", "/c", "/a"]


@pytest.mark.parametrize("status", [404, 410])
def test_what_does_not_exist_is_remembered_too(register: LocalRegister, make_remote: RemoteMaker, status: int) -> None:
    register.answer = Answer(status=status)
    remote = make_remote()
    for _ in range(2):
        with pytest.raises(NoSuchThing) as missing:
            remote.get("/a")
        assert missing.value.status == status
    assert len(register.asked) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(status=500), "HTTP 500"),
        (Answer(status=302), "HTTP 302"),
        (Answer(raw=b"<html>maintenance</html>"), "not JSON"),
        (Answer(raw=b"\xff\xfe"), "not JSON"),
        (Answer(raw=b'"' + b"x" * 2000 + b'"'), "answer too large"),
    ],
)
def test_an_unusable_answer_is_unavailable(
    register: LocalRegister, make_remote: RemoteMaker, answer: Answer, reason: str
) -> None:
    register.answer = answer
    with pytest.raises(RemoteUnavailable) as failure:
        make_remote(largest_answer_bytes=1000).get("/a")
    assert failure.value.reason == reason


def test_a_service_that_is_not_there_is_unavailable() -> None:
    remote = RemoteJson("http://127.0.0.1:9", manners=Manners(timeout_s=2.0))
    with pytest.raises(RemoteUnavailable):
        remote.get("/a")
    remote.close()


def test_a_slow_answer_is_not_waited_for(register: LocalRegister, make_remote: RemoteMaker) -> None:
    register.answer = Answer("late", may_end=threading.Event())
    remote = make_remote()
    began = time.monotonic()
    with pytest.raises(RemoteUnavailable, match="not reachable") as failure:
        remote.get("/a", wait_s=0.05)
    assert failure.value.reason == "no answer in time"
    assert time.monotonic() - began < 1


def test_a_late_answer_is_there_for_the_next_asker(register: LocalRegister, make_remote: RemoteMaker) -> None:
    may_end = threading.Event()
    register.answer = Answer("late", may_end=may_end)
    remote = make_remote()
    asked = remote.ask("/a")
    with pytest.raises(RemoteUnavailable):
        remote.get("/a", wait_s=0.01)
    may_end.set()
    assert asked.result(timeout=5) == "late"
    assert remote.get("/a", wait_s=0) == "late"
    assert len(register.asked) == 1


def test_the_same_question_is_asked_once_at_a_time(register: LocalRegister, make_remote: RemoteMaker) -> None:
    may_end = threading.Event()
    register.answer = Answer("one", may_end=may_end)
    remote = make_remote()
    first, second = remote.ask("/a"), remote.ask("/a")
    may_end.set()
    assert first.result(timeout=5) == second.result(timeout=5) == "one"
    assert len(register.asked) == 1


def test_too_many_questions_at_once_are_turned_away(register: LocalRegister, make_remote: RemoteMaker) -> None:
    may_end = threading.Event()
    register.answer = Answer("slow", may_end=may_end)
    remote = make_remote()
    under_way = [remote.ask(f"/{number}") for number in range(4)]
    with pytest.raises(RemoteUnavailable) as failure:
        remote.get("/one-more")
    may_end.set()
    assert failure.value.reason == "too many questions under way"
    assert [future.result(timeout=5) for future in under_way] == ["slow"] * 4


def test_after_two_failures_the_service_is_left_alone_for_a_minute(
    register: LocalRegister, make_remote: RemoteMaker, clock: Clock
) -> None:
    register.answer = Answer(status=500)
    remote = make_remote()
    for path in ("/a", "/b", "/c", "/d"):
        with pytest.raises(RemoteUnavailable):
            remote.get(path)
    assert len(register.asked) == 2
    clock.now_s += 61
    register.answer = Answer("well again")
    assert remote.get("/d") == "well again"


def test_what_is_remembered_is_given_while_the_service_is_left_alone(
    register: LocalRegister, make_remote: RemoteMaker
) -> None:
    register.answer = Answer("known")
    remote = make_remote(failures_before_pause=1)
    remote.get("/a")
    register.answer = Answer(status=500)
    with pytest.raises(RemoteUnavailable):
        remote.get("/b")
    assert remote.get("/a") == "known"


def test_a_good_answer_forgives_an_earlier_failure(register: LocalRegister, make_remote: RemoteMaker) -> None:
    remote = make_remote()
    for path, status in (("/a", 500), ("/b", 200), ("/c", 500), ("/d", 200)):
        register.answer = Answer(path, status=status)
        if status == 200:
            assert remote.get(path) == path
        else:
            with pytest.raises(RemoteUnavailable):
                remote.get(path)
    assert len(register.asked) == 4
