"""Threads wait for room, and what is larger than all of it goes in alone."""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import sleep

from hypothesis import given, settings
from hypothesis import strategies as st

from audio_assets.objects.room import Room


@given(st.lists(st.integers(0, 30), min_size=1, max_size=20))
@settings(max_examples=30)
def test_no_more_is_held_at_once_than_there_is_room_for(sizes: list[int]) -> None:
    room, lock = Room(20), Lock()
    held: list[int] = []
    seen: list[list[int]] = []

    def hold(size: int) -> None:
        with room.held(size):
            with lock:
                held.append(size)
                seen.append(list(held))
            sleep(0.0005)
            with lock:
                held.remove(size)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, sizes))
    assert all(sum(now) <= 20 or len([size for size in now if size]) == 1 for now in seen)
    assert len(seen) == len(sizes)


def test_room_is_given_back_by_what_fails() -> None:
    room = Room(10)
    for _ in range(3):
        try:
            with room.held(10):
                raise ValueError
        except ValueError:
            pass
    with room.held(10):
        pass
