"""A stand-in bucket with clips, and what it may do wrong for a while."""

import pandas as pd

from audio_assets.audio.decode import DurationLimits
from audio_assets.catalog.listing import list_objects
from audio_assets.catalog.reading import ClipReader
from audio_assets.objects.roots import open_root

BUCKET = "field-audio"
AUDIO = f"gs://{BUCKET}/audio"
PASSING = [
    {"kind": 429, "headers": {"Retry-After": "0"}},
    {"kind": 500},
    {"kind": 503},
    {"kind": "reset"},
    {"kind": "truncate"},
    {"kind": "lost"},
]
IDS = {"ids": lambda fault: str(fault["kind"])}


def put_clips(server, count: int, folder: str = "audio/owl/data/pos", **more) -> None:
    for n in range(count):
        server.put(BUCKET, f"{folder}/{n:05d}.wav", b"clip %d" % n, **more)


def listed() -> list:
    return list(list_objects(open_root(AUDIO), "owl"))


def reader(objects):
    columns = ["uri", "size", "generation", "checksum", "file_state"]
    rows = [[getattr(item, name) for name in columns] for item in objects]
    inventory = pd.DataFrame(rows, columns=columns)
    return ClipReader(open_root(AUDIO), inventory, DurationLimits())
