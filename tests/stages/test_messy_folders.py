"""Folders of real, broken and strangely encoded files through every stage: each is read or quarantined, and the rest is published."""

import os
import shutil
from pathlib import Path

import pytest

from destiny_assets.errors import REASONS
from tests.stages.growing import Layers, growing


@pytest.mark.parametrize("name", ["messy-docs", "messy-encodings"])
def test_every_messy_file_is_read_or_quarantined_with_a_reason(layers: Layers, tmp_path: Path, name: str) -> None:
    data = Path(os.environ.get("DESTINY_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (data / name).is_dir():
        pytest.skip(f"NOT TESTED: {name} is not in {data}; name its folder in DESTINY_SHARED_DATA")
    files = {
        path.relative_to(data / name / "files").as_posix()
        for path in (data / name / "files").rglob("*")
        if path.is_file()
    }
    with growing(layers, tmp_path / "documents") as growth:
        shutil.rmtree(growth.folder)
        shutil.copytree(data / name / "files", growth.folder)
        published = growth.run()
        read = set(layers.ledger.documents.known(growth.project, "folder"))
        quarantined = {item.uri: item for item in layers.ledger.projects.quarantined(growth.project)}
        assert read.isdisjoint(quarantined)
        assert read | quarantined.keys() == files
        assert all(item.reason in REASONS and item.detail for item in quarantined.values())
        assert published.state == "published"
        assert len(read) >= 0.7 * len(files)
        print(f"\n{name}: {len(files)} files, {len(read)} read, {len(quarantined)} quarantined")
