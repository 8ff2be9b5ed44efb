"""The crate, unpacked outside the workspace."""

import re
import tarfile

import dist
from stranger import empty_folder, passed, run


def check() -> None:
    with empty_folder() as folder:
        with tarfile.open(dist.CRATE) as archive:
            archive.extractall(folder, filter="data")
        crate = folder / f"undaunted-{dist.VERSION}"
        # Whatever workspace lies above a machine's folder for temporary files is not the crate's.
        with open(crate / "Cargo.toml", "a", encoding="utf-8") as manifest:
            manifest.write("\n[workspace]\n")
        target = str(folder / "target")
        run("cargo", "build", "--quiet", "--locked", "--all-features", folder=crate, CARGO_TARGET_DIR=target)
        passed("crate builds on its own, with every feature")
        said = run("cargo", "test", "--locked", "--doc", folder=crate, CARGO_TARGET_DIR=target)
        ran = re.search(r"(\d+) passed", said)
        assert ran and int(ran[1]) > 0, said
        passed(f"crate passes {ran[1]} doc tests")
