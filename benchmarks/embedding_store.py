"""What the embedding store costs per clip: time to write and to read, memory, and room on disk.

    python benchmarks/embedding_store.py --against CHECKOUT [--clips 2048] [--windows 4]

The store of this checkout and that of another one, in turn and in processes of their own, hold the
same clips: random numbers in the shapes of BirdNET (1024 dimensions, 6522 class scores), which
compress worse than real ones. Reading is what the asset ``embeddings`` does: the means and one
class score of all clips. CPU time and peak memory are those of the whole process; the memory of a
process that only imports is subtracted.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from upath import UPath

HERE = Path(__file__).resolve().parents[1]
DIMENSION, CLASSES, PER_SHARD = 1024, 6522, 64


def clips(first: int, count: int, windows: int) -> list[Any]:
    """Clips as the store takes them, with their windows if it keeps any."""
    try:
        from audio_assets.embeddings.clip_rows import StoredClip
    except ImportError:
        # A checkout that stores means alone.
        from audio_assets.embeddings import shards

        StoredClip = shards.StoredClip  # type: ignore[attr-defined,misc]
    made = []
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        values = rng.normal(size=(windows, DIMENSION)).astype(np.float32)
        one = {
            "sha256": f"{number:064x}",
            "checksum": f"sha256:{number:064x}",
            "size": number,
            "seconds": 3.0 * windows,
            "windows": windows,
            "embedding": values.mean(axis=0, dtype=np.float64).astype(np.float32),
            "class_scores": rng.random(CLASSES, dtype=np.float32),
        }
        if "window_embeddings" in StoredClip.__dataclass_fields__:
            one["window_embeddings"] = values
            one["window_starts"] = np.arange(windows) * 3.0
        made.append(StoredClip(**one))
    return made


def child(task: str, folder: str, count: int, windows: int) -> None:
    """One task in this process; prints what it cost as JSON."""
    from audio_assets.embeddings.store import EmbeddingStore

    store = EmbeddingStore(UPath(folder), "birdnet", "f" * 64, warn=print)
    clips(0, 1, windows)
    seconds = 0.0
    checked = np.float64(0)
    if task == "write":
        for first in range(0, count, PER_SHARD):
            some = clips(first, min(PER_SHARD, count - first), windows)
            started = sum(os.times()[:2])
            store.append(some)
            seconds += sum(os.times()[:2]) - started
    elif task == "read":
        started = sum(os.times()[:2])
        store.refresh()
        for clip in store.read((f"{n:064x}" for n in range(count)), [7]):
            checked += clip.embedding.sum(dtype=np.float64)
        seconds = sum(os.times()[:2]) - started
    else:
        import pyarrow.parquet  # noqa: F401
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak": peak, "checked": float(checked)}))


def measured(checkout: Path, task: str, folder: Path, count: int, windows: int) -> dict[str, float]:
    """What a task costs with the code of a checkout."""
    arguments = ["--child", task, str(folder), "--clips", str(count), "--windows", str(windows)]
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        env={**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"},
        cwd=checkout,
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def round_of(checkout: Path, count: int, windows: int) -> dict[str, float]:
    """CPU ms, MB and kB of one store."""
    with tempfile.TemporaryDirectory() as folder:
        idle = measured(checkout, "idle", Path(folder), count, windows)["peak"]
        write = measured(checkout, "write", Path(folder), count, windows)
        read = measured(checkout, "read", Path(folder), count, windows)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return {
        "write, ms per clip": write["seconds"] * 1000 / count,
        "read, ms per clip": read["seconds"] * 1000 / count,
        "peak of writing, MB": write["peak"] - idle,
        "peak of reading, MB": read["peak"] - idle,
        "on disk, kB per clip": size / 1000 / count,
        "checked": read["checked"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--clips", type=int, default=2048)
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", nargs=2)
    given = parser.parse_args()
    if given.child:
        child(*given.child, given.clips, given.windows)
        return
    pairs = []
    for number in range(given.rounds):
        order = [HERE, given.against.resolve()]
        costs = {
            checkout: round_of(checkout, given.clips, given.windows)
            for checkout in (order if number % 2 else order[::-1])
        }
        pairs.append((costs[order[1]], costs[order[0]]))
        # The means are the same numbers, bit by bit.
        assert pairs[-1][0].pop("checked") == pairs[-1][1].pop("checked")
    for name in pairs[0][0]:
        before, now = (median(pair[place][name] for pair in pairs) for place in (0, 1))
        ratio = median(pair[1][name] / pair[0][name] for pair in pairs)
        print(f"{name}: {before:.2f} before, {now:.2f} now, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
