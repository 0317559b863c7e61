"""`agentvcr demo`, as one types it."""

import subprocess
import sys
from pathlib import Path


def demo(*options: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agentvcr", "demo", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_whole_story_comes_out_as_told(tmp_path):
    done = demo(folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    verbs = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("$ agentvcr ")]
    assert verbs == ["record", "show", "replay", "replay", "replay", "diff"]
    assert list(tmp_path.iterdir()) == []


def test_keep_leaves_the_program_and_the_cassettes(tmp_path):
    done = demo("--keep", "kept", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert {"pipeline.py", "crew.avcr", "crew.last.avcr"} <= kept


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    done = demo("--keep", ".", folder=tmp_path)
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
